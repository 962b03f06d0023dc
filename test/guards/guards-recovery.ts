import type { Guard } from './guards.ts';

/** What a thief signs must neither end a command of mm nor outlive the recovery. */
export const RECOVERY_GUARDS: readonly Guard[] = [
  {
    invariant: 'nesting',
    file: 'trust/workflow/inspect.ts',
    line: '  requireJson(signed, file);',
    instead: '',
    test: 'test/trust/workflow/inspect.test.ts',
    name: '^limits: ',
  },
  {
    invariant: 'nesting',
    file: 'trust/workflow/fetcher.ts',
    line: 'if (acceptUnreadable && isDelegated(file)) identifyMetadata(bytes, file, treeId);',
    instead: "if (acceptUnreadable && treeId === '') identifyMetadata(bytes, file, treeId);",
    test: 'test/operator/commands/key/refused-content.test.ts',
    name: '^nesting: 1,001 delegated keys',
  },
  {
    invariant: 'nesting',
    file: 'trust/metadata/unreadable-role.ts',
    line: '  if (verify(key.hashAlgorithm, signed.message, key, signature)) return;',
    instead: '  if (signature.length >= 0) return;',
    test: 'test/operator/commands/key/refused-content.test.ts',
    name: '^nesting: what the keys of the role have not signed',
  },
  {
    invariant: 'nesting',
    file: 'operator/metadata/lint/targets.ts',
    line: '  const problems = [...lintJson(path, target, TARGET_LEVELS), ...lintContent(path, target)];\n  if (!/^',
    instead: '  const problems = lintContent(path, target);\n  if (!/^',
    test: 'test/operator/commands/key/refused-content.test.ts',
    name: '^nesting: a release with a field of 2,600 levels',
  },
  {
    invariant: 'nesting',
    file: 'operator/proposals/file.ts',
    line: '  if (problem === undefined) return content;',
    instead: '  if (content !== undefined) return content;',
    test: 'test/operator/proposals/row-1.test.ts',
    name: '^nesting: ',
  },
];
