/**
 * The rules of git-check-ref-format, one after the other, for a full name below `refs/`: what our own test of names is
 * compared with.
 */
export function isGitRefName(name: string): boolean {
  const parts = name.split('/');
  if (parts.length < 3 || parts[0] !== 'refs') return false;
  if (parts.some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'))) return false;
  if (name.includes('..') || name.includes('@{') || name.includes('\\') || name.endsWith('.')) return false;
  return ![...name].some((char) => char <= ' ' || char === '\u007f' || '~^:?*['.includes(char));
}
