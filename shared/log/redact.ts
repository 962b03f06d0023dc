/*
 * Credentials that can be recognised in text: in an error message of S3 or of git, in a line that
 * Puppet printed. Anything else is logged as it is, so code must never put a secret into a message.
 */

const MARK = '[redacted]';

interface Rule {
  readonly pattern: RegExp;
  readonly replace: string | ((match: string, ...groups: string[]) => string);
}

/** Names whose value is a secret: `db_password`, `SecretAccessKey`, `x-amz-security-token`. */
const SECRET_NAME =
  '(?:passw(?:or)?d|passphrase|_pwd|secret|token|api[_-]?key|(?:access|private|secret)[_-]?key)' +
  '(?:[_-]?(?:key|id|value))?s?';
/**
 * What follows a secret name but is not a secret: the words that Puppet prints after the name of a
 * property, those of a message about a key of the configuration, and a value that is redacted
 * already.
 */
const NO_SECRET =
  '(?!(?:changed|defined|created|removed|absent|present|sensitive|wanted|expected|unknown key)\\b|\\[)';
const VALUE = `(?:"[^"]*"?|'[^']*'?|[^\\s,;&"'}]+)`;

/**
 * The order matters. Each pattern reads a character a bounded number of times, because others
 * control the text.
 */
const RULES: readonly Rule[] = [
  {
    pattern:
      /-----BEGIN ([A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|$)/gs,
    replace: `-----BEGIN $1-----${MARK}`,
  },
  // The query of a signed URL is a credential, and so are user and password before the `@`.
  {
    pattern: /:\/\/([^\s"'<>?#]*)(\?[^\s"'<>#]*)?/g,
    replace: (_, place = '', query) =>
      `://${place.replace(/^[^/]*@/, `${MARK}@`)}${query ? `?${MARK}` : ''}`,
  },
  // A header: hide the rest of the line, or of the quoted text.
  {
    pattern: /\b((?:proxy-)?authorization|(?:set-)?cookie)(["']?\s{0,3}[:=]\s{0,3}["']?)[^"'\n]+/gi,
    replace: `$1$2${MARK}`,
  },
  {
    pattern: /\b(Bearer|Basic)( +)(?=\S*(?:\d|=|[a-z][A-Z]))[\w.~+/=-]{8,}/g,
    replace: `$1$2${MARK}`,
  },
  { pattern: /\b(credential|signature)=[^\s,;&"']+/gi, replace: `$1=${MARK}` },
  {
    pattern: new RegExp(
      `(${SECRET_NAME}["'\\]]{0,2}\\s{0,3}(?:=>|=)\\s{0,3})${NO_SECRET}${VALUE}`,
      'gi',
    ),
    replace: `$1${MARK}`,
  },
  // With a colon it may be a sentence: "the token: see above".
  {
    pattern: new RegExp(
      `(${SECRET_NAME}["'\\]]{0,2}\\s{0,3}:\\s{0,3})${NO_SECRET}(?=["']|[^\\s,;&"'}]{6})${VALUE}`,
      'gi',
    ),
    replace: `$1${MARK}`,
  },
  {
    pattern:
      /(\s--?[a-z-]{0,30}(?:password|passphrase|secret|token|api-?key)[= ] {0,3})[^\s-]\S*/gi,
    replace: `$1${MARK}`,
  },
  { pattern: /\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}/g, replace: `$1${MARK}` },
  // The header is short. Without a limit, text of many beginnings would need quadratic time.
  { pattern: /\beyJ[\w-]{8,500}\.[\w-]{8,}\.[\w-]*/g, replace: MARK },
  {
    pattern:
      /\b(?:gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|npm_|hvs\.|sk_live_|AGE-SECRET-KEY-1)[\w-]{16,}/g,
    replace: MARK,
  },
  { pattern: /\b(?:IQoJ|FwoG|FQoG)[\w+/=]{60,}/g, replace: MARK },
  { pattern: /(?<![\w+/])[A-Za-z0-9+/]{40}(?![\w+/=])/g, replace: (text) => secretKey(text) },
];

/** Returns the text with a mark in place of each credential. */
export function redact(text: string): string {
  return RULES.reduce(
    (clean, { pattern, replace }) => clean.replace(pattern, replace as string),
    text,
  );
}

/**
 * A secret access key of AWS has 40 characters of base64. So do a commit in hexadecimal and many
 * paths.
 */
function secretKey(text: string): string {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const isKey = count(/[A-Z]/g) >= 5 && count(/[a-z]/g) >= 5 && count(/\d/g) >= 1;
  return isKey && count(/\//g) <= 4 ? MARK : text;
}

const NAME_OF_SECRET = new RegExp(`${SECRET_NAME}$|^authorization$|^cookie$|credentials?$`, 'i');

/** Whether a field of that name holds a secret, whatever it looks like. */
export function isSecretName(name: string): boolean {
  return NAME_OF_SECRET.test(name);
}
