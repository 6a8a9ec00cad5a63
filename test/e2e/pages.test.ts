import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, openWindow, startBrowser, type Window } from '../support/browser.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { GitClient } from '../support/git-client.js';
import { Hosting } from '../support/hosting.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const owner = testIdentity(1);
const phone = { width: 360, height: 740 };
const desktop = { width: 1280, height: 800 };
const deadRelay = 'ws://127.0.0.1:9';
const timeout = 60_000;

if (chromiumPath === undefined) console.warn('skipped: there is no Chromium here to open the pages with');

/** What of a page axe-core finds fault with. */
async function violationsOf({ page }: Window): Promise<string[]> {
  // Evaluated by the debugger, not by the page, so that its Content-Security-Policy has no say.
  await page.evaluate(axeSource);
  return await page.evaluate(
    `axe.run().then(({ violations, passes }) =>
      passes.length === 0 ? ['nothing was looked at'] : violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')))`,
  );
}

const overflows = ({ page }: Window) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');

describe.skipIf(chromiumPath === undefined)('the pages in a browser', () => {
  let host: Hosting;
  let browser: Browser;
  let base: string;
  let paths: readonly string[];

  beforeAll(async () => {
    host = await Hosting.start({
      flags: ['--archive-all', '--archive-read-only=false'],
      environment: { NGIT_SYNC_BOOTSTRAP_RELAY_URL: deadRelay, NGIT_SYNC_STARTUP_DELAY_SECS: '0' },
    });
    base = `http://127.0.0.1:${host.service.port}`;
    await using client = await GitClient.init();
    const main = await client.commit('README.md', '# A project\n');
    await host.publish(host.announcement(owner, 'demo'));
    await host.publish(host.state(owner, 'demo', { 'refs/heads/main': main }));
    await client.ok('push', '--quiet', host.urlOf(owner, 'demo'), 'main');
    for (let number = 0; number < 30; number += 1) {
      const event = signedEvent(testIdentity(2), {
        kind: 30617,
        created_at: 1_700_000_000 + number,
        tags: [
          ['d', `archived-${number}`],
          ['name', `Archived <b>number</b> ${number}`],
          [
            'description',
            'Words that people write about what they made, in a line that is longer than a phone is wide.',
          ],
          ['clone', 'https://git.example.org/x.git'],
          ['relays', deadRelay],
        ],
      });
      await host.publish(event);
    }
    await host.client.publish(signedEvent(owner, { kind: 1, tags: [], content: 'refused' }));
    paths = ['/', '/status', new URL(host.urlOf(owner, 'demo')).pathname];
    browser = await startBrowser();
  }, timeout);

  afterAll(async () => {
    await browser?.close();
    await host?.[Symbol.asyncDispose]();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, viewport] of [
      ['a phone', phone],
      ['a desktop', desktop],
    ] as const) {
      it(`fit ${name}, are accessible and load nothing foreign, ${colorScheme}`, { timeout }, async () => {
        await using window = await openWindow(browser, { colorScheme, viewport });
        for (const path of paths) {
          await window.page.goto(base + path);
          if (path === '/status') await window.page.waitForSelector('.chart canvas');
          expect([path, await violationsOf(window)]).toEqual([path, []]);
          expect([path, await overflows(window)]).toEqual([path, false]);
          expect([path, window.complaints]).toEqual([path, []]);
        }
        expect(window.requests.filter((url) => !url.startsWith(`${base}/`))).toEqual([]);
      });
    }
  }

  it('show how the daemon is, draw charts and follow what happens', { timeout }, async () => {
    await using window = await openWindow(browser, { viewport: desktop });
    const { page } = window;
    await page.goto(`${base}/status`);
    await page.getByText('Kept up to date.').waitFor();
    await page.getByRole('region', { name: 'Relays that are followed' }).getByText(deadRelay).waitFor();
    await page.getByRole('link', { name: 'Archived <b>number</b> 29' }).waitFor();
    expect(await page.locator('.chart canvas').count()).toBe(4);
    const refused = page.locator('#refused-rows tr', { hasText: 'blocked: the event neither refers' });
    expect(await refused.locator('td').textContent()).toBe('1');
    await host.client.publish(signedEvent(owner, { kind: 1, tags: [], content: 'refused as well' }));
    await refused.locator('td', { hasText: '2' }).waitFor();
  });

  it('list repositories, find them and lead to their pages', { timeout }, async () => {
    await using window = await openWindow(browser, { viewport: phone });
    const { page } = window;
    await page.goto(base);
    await page.getByRole('link', { name: 'Next' }).click();
    await page.getByText('Page 2 of 2').waitFor();
    await page.getByRole('searchbox').fill('DEMO');
    await page.getByRole('searchbox').press('Enter');
    await page.getByText('1 repository found for “DEMO”.').waitFor();
    await page.getByRole('link', { name: 'demo' }).click();
    await page.getByRole('heading', { name: 'demo', exact: true }).waitFor();
    await page.getByText('# A project', { exact: true }).waitFor();
  });

  it('say the same without JavaScript', { timeout }, async () => {
    await using window = await openWindow(browser, { viewport: phone, javaScriptEnabled: false });
    const { page } = window;
    await page.goto(`${base}/status?q=number+29`);
    await page.getByText('Load it again to see what is new.').waitFor();
    await page.getByRole('region', { name: 'Relays that are followed' }).getByText(deadRelay).waitFor();
    await page.getByText('1 repository found for “number 29”.').waitFor();
    expect(await page.locator('#refused-rows').textContent()).toContain('blocked:');
    await page.getByText('In figures').click();
    await page
      .getByRole('region', { name: 'What went through' })
      .getByText('Events stored: published here')
      .waitFor();
  });
});

describe.skipIf(chromiumPath === undefined)('the status page behind a token', () => {
  it('asks for it, and follows what happens with it; off there is none', { timeout }, async () => {
    const token = 'a-token-of-the-operator';
    await using host = await Hosting.start({ environment: { NGIT_STATUS_TOKEN: token } });
    await using off = await Hosting.start({ flags: ['--status-page=false'] });
    expect(await off.service.get('/status')).toContain('there is nothing here');
    expect(await off.service.get('/')).not.toContain('href="/status"');
    const browser = await startBrowser();
    try {
      await using window = await openWindow(browser, { viewport: phone });
      const { page } = window;
      await page.goto(`http://127.0.0.1:${host.service.port}/status`);
      expect(await violationsOf(window)).toEqual([]);
      await page.getByLabel('Token').fill(token);
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByText('Kept up to date.').waitFor();
      await page.waitForSelector('.chart canvas');
      expect(JSON.stringify(host.service.log)).not.toContain(token);
    } finally {
      await browser.close();
    }
  });
});
