/** Headers under which a page can run nothing and load nothing. */
export const pageHeaders = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
  'Referrer-Policy': 'no-referrer',
} as const;

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 3rem auto; padding: 0 1rem }
  h1, h2, p, dd, td { overflow-wrap: anywhere }
  dt { font-weight: 600; margin-top: .75rem } dd { margin: 0 }
  pre { overflow-x: auto; padding: .75rem; background: #f3f3f3; border-radius: .4rem }
  pre.text, pre.command { white-space: pre-wrap; overflow-wrap: anywhere }
  table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .75rem .2rem 0; vertical-align: top }
  .fixed { white-space: nowrap }
  .note { padding: .1rem .6rem; border-radius: 1rem; background: #e3e8f0 }
  @media (prefers-color-scheme: dark) {
    body { background: #111; color: #ddd } a { color: #8ab4f8 } pre { background: #1d1d1d } .note { background: #2a3342 }
  }`;

/** A whole page without script or anything that is loaded. `title` is text; `body` is HTML, escaped where it has to be. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}
</style>
</head>
<body>
${body}
</body>
</html>
`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] as string);
}
