import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import type { PolicyDocument } from '../../../operator/commands/policy/documents.ts';
import { templates } from '../../../packaging/aws/templates.ts';
import { type PolicyUser, printedPolicies } from '../../s3/policy-users.ts';
import { PROJECT } from '../../support/project-files.ts';

/** What `mm policy` prints for the bucket `fleet` and the tree `ubuntu`, by name in Terraform. */
let printed: Readonly<Record<string, PolicyDocument>>;

const NAMES = {
  machine: 'machine_shared_user',
  host: 'machine_ec2',
  certified: 'machine_roles_anywhere',
  publisher: 'publisher',
  reader: 'reader',
  reporter: 'reporter',
  cleaner: 'cleaner',
} as const satisfies Record<PolicyUser, string>;

before(async () => {
  const users = Object.entries(await printedPolicies('fleet'));
  printed = Object.fromEntries(users.map(([user, policy]) => [NAMES[user as PolicyUser], policy]));
});

const VALUES: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  Bucket: 'fleet',
  Tree: 'ubuntu',
  'data.aws_partition.current.partition': 'aws',
  'var.bucket': 'fleet',
  'var.tree': 'ubuntu',
};

for (const [name, text] of Object.entries(templates())) {
  test(`aws templates: ${name} is what node packaging/aws/templates.ts writes`, () => {
    assert.equal(readFileSync(join(PROJECT, 'packaging/aws', name), 'utf8'), text);
  });
}

/** AWS::IAM::ManagedPolicy, in https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-iam */
const ManagedPolicy = z.strictObject({
  Type: z.literal('AWS::IAM::ManagedPolicy'),
  Properties: z.strictObject({ PolicyDocument: z.looseObject({}) }),
});

const Parameter = z.strictObject({ Type: z.literal('String'), AllowedPattern: z.string() });

const Template = z.strictObject({
  AWSTemplateFormatVersion: z.literal('2010-09-09'),
  Description: z.string(),
  Parameters: z.strictObject({ Bucket: Parameter, Tree: Parameter }),
  Resources: z.record(z.string().regex(/^[A-Za-z0-9]+$/), ManagedPolicy),
  Outputs: z.record(z.string(), z.strictObject({ Value: z.strictObject({ Ref: z.string() }) })),
});

test('aws templates: CloudFormation has the form of its schema, and the policies of mm policy', () => {
  const text = templates()['policies.cloudformation.yaml'] ?? '';
  // CloudFormation reads YAML 1.1, where a bare 2012-10-17 is a date.
  const { Resources, Outputs, Parameters } = Template.parse(parse(text, { schema: 'yaml-1.1' }));
  const found = Object.entries(Resources).map(([name, { Properties }]) => [
    name.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase(),
    substituted(Properties.PolicyDocument),
  ]);
  assert.deepEqual(Object.fromEntries(found), printed);
  const outputs = Object.values(Outputs).map(({ Value }) => Value.Ref);
  assert.deepEqual(outputs, Object.keys(Resources));
  assertNarrow(Parameters.Bucket.AllowedPattern, Parameters.Tree.AllowedPattern);
});

const Variable = z.strictObject({
  type: z.literal('string'),
  validation: z.strictObject({ condition: z.string(), error_message: z.string() }),
});

/** Arguments of the provider hashicorp/aws and of Terraform's JSON syntax. */
const Terraform = z.strictObject({
  '//': z.string(),
  variable: z.strictObject({ bucket: Variable, tree: Variable }),
  data: z.strictObject({
    aws_partition: z.strictObject({ current: z.strictObject({}) }),
    aws_iam_policy_document: z.record(
      z.string(),
      z.strictObject({
        statement: z.array(
          z.strictObject({
            sid: z.string(),
            effect: z.enum(['Allow', 'Deny']),
            actions: z.array(z.string()),
            resources: z.array(z.string()),
            condition: z
              .array(
                z.strictObject({
                  test: z.string(),
                  variable: z.string(),
                  values: z.array(z.string()),
                }),
              )
              .optional(),
          }),
        ),
      }),
    ),
  }),
  resource: z.strictObject({
    aws_iam_policy: z.record(
      z.string(),
      z.strictObject({ name_prefix: z.string().max(38), policy: z.string() }),
    ),
  }),
  output: z.record(z.string(), z.strictObject({ value: z.string() })),
});

test('aws templates: Terraform has the form of its provider, and the policies of mm policy', () => {
  const { data, resource, output, variable } = Terraform.parse(
    JSON.parse(templates()['policies.tf.json'] ?? ''),
  );
  const found = Object.entries(data.aws_iam_policy_document).map(([name, { statement }]) => [
    name,
    {
      Version: '2012-10-17',
      Statement: statement.map(({ sid, effect, actions, resources, condition = [] }) => {
        const conditions = condition.map(({ test: by, variable: key, values }) => [
          by,
          { [key]: values.map(filled) },
        ]);
        return {
          ...{ Sid: sid, Effect: effect, Action: actions, Resource: resources.map(filled) },
          ...(conditions.length > 0 && { Condition: Object.fromEntries(conditions) }),
        };
      }),
    },
  ]);
  assert.deepEqual(Object.fromEntries(found), printed);
  for (const name of Object.keys(printed)) {
    const policy = resource.aws_iam_policy[name]?.policy;
    assert.equal(policy, `\${data.aws_iam_policy_document.${name}.json}`);
    assert.equal(output[name]?.value, `\${aws_iam_policy.${name}.arn}`);
  }
  const patterns = [variable.bucket, variable.tree].map(
    ({ validation }) => /regex\("(.+)", var\.\w+\)/.exec(validation.condition)?.[1] ?? '',
  );
  assertNarrow(...patterns);
});

/** A wildcard in a parameter would reach other buckets and trees. */
function assertNarrow(...patterns: readonly string[]): void {
  assert.equal(patterns.length, 2);
  for (const pattern of patterns) {
    assert.match('ubuntu', new RegExp(pattern));
    for (const wide of ['*', 'u*', 'ubuntu/x', 'ubuntu?', ''])
      assert.doesNotMatch(wide, new RegExp(pattern));
  }
}

/** What `Fn::Sub` makes of a document. */
function substituted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(substituted);
  if (typeof value !== 'object' || value === null) return value;
  const { 'Fn::Sub': text } = value as { readonly 'Fn::Sub'?: unknown };
  if (typeof text === 'string') return filled(text);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, substituted(each)]));
}

/** Fills in the values; the escapes of both languages become `${`. */
function filled(text: string): string {
  return text.replace(/\$\$\{|\$\{(!?)([^}]*)\}/g, (whole, mark: string, name: string) => {
    if (whole === '$${') return '${';
    if (mark === '!') return `\${${name}}`;
    const value = VALUES[name];
    if (value === undefined) throw new Error(`${name} has no value`);
    return value;
  });
}
