import { randomBytes } from 'node:crypto';

export interface S3Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** A refusal as S3 writes it; `fields` are the further elements of its XML. */
export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, code: string, fields: Readonly<Record<string, string>> = {}) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }

  toReply(headers: Readonly<Record<string, string>> = {}): S3Reply {
    const fields = {
      Code: this.code,
      Message: `refused: ${this.code}`,
      ...this.fields,
      RequestId: requestId(),
    };
    return xmlReply(this.status, element('Error', fields), headers);
  }
}

export function xmlReply(
  status: number,
  content: string,
  headers: Readonly<Record<string, string>> = {},
): S3Reply {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${content}`);
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

export function requestId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}

/** `<name><field>text</field>…</name>`, text escaped. `raw` comes after the fields as it is. */
export function element(
  name: string,
  fields: Readonly<Record<string, string | number | boolean | undefined>>,
  raw = '',
): string {
  const inner = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `<${field}>${escapeXml(String(value))}</${field}>`);
  return `<${name}>${inner.join('')}${raw}</${name}>`;
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    '\r': '&#13;',
  };
  return text.replace(/[&<>"\r]/g, (character) => entities[character] ?? character);
}
