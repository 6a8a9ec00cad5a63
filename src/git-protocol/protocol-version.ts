const protocolCharsMax = 200;
const protocolForm = /^[\w.-]+(?:=[\w.-]+)?(?::[\w.-]+(?:=[\w.-]+)?)*$/;

/**
 * The value of a `Git-Protocol` header that git may see: a list of `key[=value]` of a safe alphabet; `undefined` for
 * anything else, which is as good as none.
 */
export function checkedProtocol(header: string | undefined): string | undefined {
  if (header === undefined || header.length > protocolCharsMax || !protocolForm.test(header))
    return undefined;
  return header;
}

/** The version that git speaks when it finds this in `GIT_PROTOCOL`: the highest that it knows. */
export function protocolVersionOf(protocol: string | undefined): 0 | 1 | 2 {
  const entries = (protocol ?? '').split(':');
  if (entries.includes('version=2')) return 2;
  return entries.includes('version=1') ? 1 : 0;
}
