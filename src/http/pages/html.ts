/** Headers under which a page runs no script and loads nothing but what this service has. */
export const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
} as const;

/** A link, to a place of this service. */
export type PageLink = { readonly text: string; readonly url: string };

/** What a page may have beside its title and body. */
export type PageExtras = {
  /** Links of the page's head line, beside the one to the repositories. */
  readonly links?: readonly PageLink[];
  /** Further lines of `<head>`: HTML. */
  readonly head?: string;
};

/** A whole page. `title` is text; `body` is HTML, escaped where it has to be. */
export function page(title: string, body: string, { links = [], head = '' }: PageExtras = {}): string {
  const all = [{ text: 'Repositories', url: '/' }, ...links];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="/icon.png">
<link rel="stylesheet" href="/assets/style.css">${head}
</head>
<body>
<header>
<nav aria-label="Service">${all.map(({ text, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`).join(' ')}</nav>
</header>
<main>
${body}
</main>
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
