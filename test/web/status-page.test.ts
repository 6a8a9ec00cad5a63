import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { RelayReport } from '../../src/control/reports.js';
import { statusPage } from '../../src/web/status/status-page.js';
import { statusParts } from '../../src/web/status/status-parts.js';
import type { FullStatusReport, NodesReport } from '../../src/web/status/status-report.js';
import { bytes, duration } from '../../src/web/status/words.js';
import { emptyReport } from './report.js';

const hostile = `<script>alert("x")</script>&'`;

const relay: RelayReport = {
  relay: 'wss://relay.example.org',
  connection: 'connected',
  health: 'healthy',
  failures: 0,
  liveFilters: 3,
  queuedTopics: 0,
  queuedDownloads: 0,
  stored: 1234,
  gaps: 2,
  negentropy: 'works',
};

function pageOf(changes: Partial<FullStatusReport> = {}): string {
  return statusPage('git.example.org', statusParts({ ...emptyReport(), ...changes }), '');
}

/** The text of a page, or of one of its elements, without its markup. */
const textOf = (html: string) => html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

describe('the status page', () => {
  it('says of a relay what it was asked, what it brought and what troubles it', () => {
    const dead: RelayReport = {
      ...relay,
      relay: 'wss://dead.example.org',
      connection: 'dead',
      health: 'dead',
      failures: 7,
      lastFailure: 'refused',
      retryInSeconds: 3600,
      queuedTopics: 12,
    };
    const text = textOf(pageOf({ relays: { total: 2, shown: [relay, dead] } }));
    expect(text).toContain('wss://relay.example.org connected not yet 3 live filters, by NIP-77 1,234 2');
    expect(text).toMatch(
      /wss:\/\/dead\.example\.org dead .* 12 topics wait .* 7 × refused, again 2026-01-01 01:00/,
    );
  });

  it('says nothing of other nodes where there can be none', () => {
    expect(pageOf()).not.toContain('Nodes');
    expect([...statusParts(emptyReport()).keys()].join()).not.toContain('nodes');
  });

  it('says who writes and until when it may, who follows, and how far each is behind', () => {
    const { at } = emptyReport();
    const nodes: NodesReport = {
      role: 'writer',
      writer: { url: 'http://10.0.0.1:7334', holder: 'one, process 7', until: '2026-01-01T00:00:20.000Z' },
      followers: [
        { url: 'http://10.0.0.2:7334', connected: at, behind: { events: 0, seconds: 0 } },
        { url: 'http://10.0.0.3:7334', connected: at, behind: { events: 1234, seconds: 5.25 } },
        { connected: at, behind: { events: 0, seconds: 0 } },
      ],
    };
    const text = textOf(pageOf({ nodes }));
    expect(text).toContain('http://10.0.0.1:7334 writes');
    expect(text).toContain('http://10.0.0.2:7334 follows since 2026-01-01 00:00 has all');
    expect(text).toMatch(/http:\/\/10\.0\.0\.3:7334 follows .* up to 1,234 events, for 5\.3 s/);
    expect(text).toContain('one that does not say where it is reached follows');
    expect(text).toContain('is that of one, process 7 until 2026-01-01 00:00:20');
    const late = { ...nodes, writer: { ...nodes.writer, until: '2025-12-31T23:59:59.000Z' } };
    expect(textOf(pageOf({ nodes: late }))).toContain('ran out at 2025-12-31 23:59:59');
  });

  it('shows text of strangers as text', () => {
    const page = pageOf({
      relays: { total: 1, shown: [{ ...relay, relay: `wss://x/${hostile}` }] },
      refused: [{ reason: `invalid: ${hostile}`, count: 1 }],
      held: { kinds: [{ kind: hostile, count: 1 }] },
    });
    expect(page).not.toContain('<script>alert');
    expect(page.split('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;').length).toBe(4);
  });

  it('cuts what is long, and says how much more there is', () => {
    const long = `wss://relay.example.org/${'a'.repeat(1000)}`;
    const page = pageOf({ relays: { total: 1000, shown: [{ ...relay, relay: long }] } });
    expect(page).not.toContain('a'.repeat(limits.pageLineCharsMax));
    expect(textOf(page)).toContain('And 999 more relays: graspd relays lists all.');
  });

  it('says how far the first catch-up is, and when it is over', () => {
    const { status } = emptyReport();
    const relays = { tracked: 4, connected: 2, dead: 0, complete: 1 };
    const going = { isOver: false, stored: 25, expected: 100, secondsLeft: 600 };
    const page = pageOf({ status: { ...status, relays, firstCatchup: going } });
    expect(page).toContain('max="100" value="25"');
    expect(textOf(page)).toContain(
      '25 of 100 events that are known to be missing, about 10 min left; 1 of 4 relays',
    );
    const over = pageOf({ status: { ...status, relays, firstCatchup: { ...going, isOver: true } } });
    expect(textOf(over)).toContain('Caught up with all relays that answer');
  });

  it('tells of a disk that is full', () => {
    const { status } = emptyReport();
    expect(textOf(pageOf({ status: { ...status, isDiskLow: true } }))).toContain('full: nothing is taken in');
  });

  it('sums what went through in the last hour and in the last day', () => {
    const report = emptyReport();
    const series = report.throughput.series.map(({ name }) => ({
      name,
      values: Array(120).fill(name === 'live' ? 2 : 0),
    }));
    const rows = statusParts({ ...report, throughput: { ...report.throughput, series } }).get(
      'throughput-rows',
    );
    expect(textOf(rows ?? '')).toContain('Events stored: live from relays 120 240');
  });

  it('has no script, style or handler of its own', () => {
    const page = pageOf({ relays: { total: 1, shown: [relay] } });
    expect(page).not.toMatch(/<script(?![^>]* src="\/assets\/)/);
    expect(page).not.toMatch(/<style| style="| on[a-z]+="/);
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });
});

describe('the words of the page', () => {
  it('are numbers that people can read', () => {
    expect([0, 999, 1000, 1_234_567, 99_600_000, 2e12].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '1.2 MB',
      '100 MB',
      '2 TB',
    ]);
    expect([5, 600, 7200, 200_000].map(duration)).toEqual([
      'less than a minute',
      'about 10 min',
      'about 2 h',
      'about 2 days',
    ]);
  });
});
