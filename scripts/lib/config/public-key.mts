/** Public keys for ssh, as ssh-keygen prints them: TYPE BASE64 COMMENT. */

/** The key, unless it is cut off or its data is of another type than the type in front (RFC 4253, section 6.6). */
export function parsePublicKey(value: unknown): string | undefined {
  const [, type = '', base64 = ''] =
    /^(ssh-\S+|ecdsa-\S+|sk-\S+@openssh\.com) (AAAA[A-Za-z0-9+/]+={0,2})( \S.*)?$/.exec(String(value)) ?? []
  const [name, ...rest] = fieldsOf(Buffer.from(base64, 'base64')) ?? []
  return name?.toString() === type && rest.length > 0 ? String(value) : undefined
}

/** The fields of a key's data: each follows its length in four bytes (RFC 4251, section 5). Undefined when the last is cut off. */
function fieldsOf(blob: Buffer): Buffer[] | undefined {
  if (blob.length === 0) return []
  if (blob.length < 4 || blob.length < 4 + blob.readUInt32BE(0)) return undefined
  const end = 4 + blob.readUInt32BE(0)
  const rest = fieldsOf(blob.subarray(end))
  return rest && [blob.subarray(4, end), ...rest]
}
