import { Counter, Gauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { adviceSections } from '../../../.ci/metrics/advice.js';
import { aliasedMetrics } from '../../../src/daemon/metrics/aliased-metrics.js';
import { graspAliases, type MetricAlias } from '../../../src/daemon/metrics/metric-aliases.js';

const clock = { now: () => 100_000 };
const linesOf = async (registry: Registry, aliases: readonly MetricAlias[]) =>
  (await aliasedMetrics(registry, aliases, clock).metrics()).split('\n');

describe('Aliases of metrics', () => {
  it('come after the metrics themselves, with their values', async () => {
    const registry = new Registry();
    new Gauge({ name: 'a', help: 'A', registers: [registry] }).set(2.5);
    const alias = { name: 'b', type: 'gauge', help: 'B', sameAs: '', labelNames: [] } as const;
    const lines = await linesOf(registry, [{ ...alias, sources: [{ metric: 'a' }] }]);
    expect(lines.slice(0, 3)).toEqual(['# HELP a A', '# TYPE a gauge', 'a 2.5']);
    expect(lines.slice(-4)).toEqual(['# HELP b B', '# TYPE b gauge', 'b 2.5', '']);
  });

  it('sum what comes to the same labels, from several metrics', async () => {
    const registry = new Registry();
    const registers = [registry];
    const relayEvents = new Counter({
      name: 'ngit_relay_events_total',
      help: 'h',
      labelNames: ['outcome'],
      registers,
    });
    relayEvents.inc({ outcome: 'stored' }, 3);
    relayEvents.inc({ outcome: 'refused' }, 4);
    const requests = new Counter({
      name: 'ngit_relay_requests_total',
      help: 'h',
      labelNames: ['type'],
      registers,
    });
    requests.inc({ type: 'req' }, 5);
    const lines = await linesOf(registry, graspAliases);
    expect(lines).toContain('ngit_websocket_messages_received_total{type="EVENT"} 7');
    expect(lines).toContain('ngit_websocket_messages_received_total{type="REQ"} 5');
    expect(lines).toContain('ngit_events_received_total 7');
    expect(lines).toContain('ngit_events_stored_total 3');
    expect(lines).toContain('ngit_events_rejected_total{reason="refused"} 4');
    expect(lines.join('\n')).not.toContain('reason="stored"');
  });

  it('tell clones and pushes by how they ended, and bytes by direction', async () => {
    const registry = new Registry();
    const registers = [registry];
    const requests = new Counter({
      name: 'ngit_git_requests_total',
      help: 'h',
      labelNames: ['service', 'step', 'outcome'],
      registers,
    });
    const upload = { service: 'git-upload-pack', step: 'exchange' };
    requests.inc({ ...upload, outcome: 'ok' }, 2);
    requests.inc({ ...upload, outcome: 'late' }, 1);
    requests.inc({ ...upload, outcome: 'left' }, 1);
    requests.inc({ ...upload, step: 'advertise', outcome: 'ok' }, 9);
    requests.inc({ service: 'git-receive-pack', step: 'exchange', outcome: 'ok' }, 3);
    const sent = new Counter({
      name: 'ngit_git_sent_bytes_total',
      help: 'h',
      labelNames: ['service'],
      registers,
    });
    sent.inc({ service: 'git-upload-pack' }, 10);
    sent.inc({ service: 'git-receive-pack' }, 1);
    const lines = (await linesOf(registry, graspAliases)).filter((line) => !line.startsWith('#'));
    expect(lines.filter((line) => line.startsWith('ngit_git_operations_total'))).toEqual([
      'ngit_git_operations_total{operation="clone",status="success"} 2',
      'ngit_git_operations_total{operation="clone",status="error"} 2',
      'ngit_git_operations_total{operation="push",status="success"} 3',
    ]);
    expect(lines).toContain('ngit_git_bytes_total{direction="out"} 11');
  });

  it('escape labels as the metrics themselves do, and know the time', async () => {
    const registry = new Registry();
    new Counter({ name: 'a_total', help: 'A', labelNames: ['x'], registers: [registry] }).inc(
      { x: '} "\\ 1\n2' },
      1,
    );
    new Gauge({ name: 'process_start_time_seconds', help: 'h', registers: [registry] }).set(40);
    const same: MetricAlias = {
      name: 'b_total',
      type: 'counter',
      help: 'B',
      sameAs: '',
      labelNames: ['x'],
      sources: [{ metric: 'a_total', labels: (labels) => labels }],
    };
    const lines = await linesOf(registry, [same, ...graspAliases]);
    const line = lines.find((text) => text.startsWith('a_total')) ?? '';
    expect(lines).toContain(line.replace('a_total', 'b_total'));
    expect(line).toContain('\\"');
    expect(lines).toContain('ngit_uptime_seconds 60');
  });

  it('of ngit-grasp are made of metrics that a daemon has', () => {
    const known = new Set(adviceSections.flatMap(({ advice }) => Object.keys(advice)));
    for (const { sources, name } of graspAliases) {
      expect(known.has(name)).toBe(false);
      for (const { metric } of sources) expect(known).toContain(metric);
    }
  });
});
