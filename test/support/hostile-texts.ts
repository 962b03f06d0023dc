/** Texts that a host could write so that a page, a terminal or a script does what it should not. */
export const HOSTILE_TEXTS = [
  '</script><script>globalThis.pwned=1</script>',
  '<img src=x onerror="globalThis.pwned=2">',
  '"><svg onload=globalThis.pwned=3>',
  "' onmouseover='globalThis.pwned=4",
  '<!--<script>',
  'javascript:globalThis.pwned=5',
  '<link rel=stylesheet href=http://127.0.0.1:9/x.css>',
  '\u001b]0;x\u0007\u202e<b>',
] as const;
