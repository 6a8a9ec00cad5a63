import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { answer } from '../http/answers.js';
import type { Route } from '../http/route.js';

type Asset = { readonly contentType: string; readonly body: Buffer; readonly etag: string };

const css = 'text/css; charset=utf-8';
const javascript = 'text/javascript; charset=utf-8';

/**
 * `/assets/…`: what pages load, from our own files and from the package uplot, read once. Browsers keep them, and ask each
 * time whether they are still the same.
 */
export function assetRoute(): Route {
  const own = (name: string) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));
  const ofPackage = (name: string) => createRequire(import.meta.url).resolve(`uplot/dist/${name}`);
  const assets = new Map<string, Asset>([
    ['/assets/style.css', read(own('style.css'), css)],
    ['/assets/status.js', read(own('status.js'), javascript)],
    ['/assets/uplot.css', read(ofPackage('uPlot.min.css'), css)],
    ['/assets/uplot.js', read(ofPackage('uPlot.iife.min.js'), javascript)],
  ]);
  return {
    matches: (path) => assets.has(path),
    methods: ['GET'],
    handle({ path, message }, response) {
      const asset = assets.get(path);
      if (asset === undefined) return;
      const headers = { ETag: asset.etag, 'Cache-Control': 'no-cache' };
      if (message.headers['if-none-match']?.includes(asset.etag)) response.writeHead(304, headers).end();
      else answer(response, 200, asset.contentType, asset.body, headers);
    },
  };
}

function read(path: string, contentType: string): Asset {
  const body = readFileSync(path);
  return { contentType, body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
