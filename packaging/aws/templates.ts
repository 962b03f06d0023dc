import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  cleanerPolicy,
  machinePolicy,
  type PolicyDocument,
  type PolicyPlace,
  publisherPolicy,
  readerPolicy,
  reporterPolicy,
} from '../../operator/commands/policy/documents.ts';

/*
 * The policies of `mm policy` as CloudFormation and Terraform, for any bucket and tree.
 * `node packaging/aws/templates.ts` writes the files; test/packaging/aws/templates.test.ts holds
 * them against this code.
 */

/**
 * Placeholders for values that only the user of a template knows. No policy contains these texts.
 */
const BUCKET = '<bucket>';
const TREE = '<tree>';
const PLACE: PolicyPlace = { bucket: BUCKET, separator: '/', tree: TREE };

const POLICIES: Readonly<Record<string, PolicyDocument>> = {
  MachineEc2: machinePolicy(PLACE, 'ec2'),
  MachineRolesAnywhere: machinePolicy(PLACE, 'roles-anywhere'),
  MachineSharedUser: machinePolicy(PLACE, 'shared-user'),
  Publisher: publisherPolicy(PLACE),
  Reader: readerPolicy(PLACE),
  Reporter: reporterPolicy(PLACE),
  Cleaner: cleanerPolicy(PLACE),
};

/** Allows no wildcards: they would reach other buckets and trees. */
const BUCKET_PATTERN = '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$';
const TREE_PATTERN = '^[a-z0-9][a-z0-9-]{0,62}$';

const HEADER = `Written by packaging/aws/templates.ts, as mm policy prints it: see docs/policies.md.`;

/** Quotes dates, because YAML 1.1 reads them as dates and not as text. */
const YAML = { lineWidth: 0, aliasDuplicateObjects: false, schema: 'yaml-1.1' } as const;

/** The text of each file in this folder, by name. */
export function templates(): Readonly<Record<string, string>> {
  return {
    'policies.cloudformation.yaml': `# ${HEADER}\n${stringify(cloudFormation(), YAML)}`,
    'policies.tf.json': `${JSON.stringify(terraform(), null, 2)}\n`,
  };
}

function cloudFormation(): object {
  const names = Object.keys(POLICIES);
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'The least IAM policies of a tree of Miyamoto',
    Parameters: {
      Bucket: { Type: 'String', AllowedPattern: BUCKET_PATTERN },
      Tree: { Type: 'String', AllowedPattern: TREE_PATTERN },
    },
    Resources: Object.fromEntries(
      names.map((name) => [
        name,
        {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { PolicyDocument: replaced(POLICIES[name], substituted) },
        },
      ]),
    ),
    Outputs: Object.fromEntries(names.map((name) => [name, { Value: { Ref: name } }])),
  };
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html */
function substituted(text: string): unknown {
  const escaped = text.replaceAll('${', '${!');
  const filled = escaped
    .replaceAll(BUCKET, `arn:\${AWS::Partition}:s3:::\${Bucket}`)
    .replaceAll(TREE, `\${Tree}`);
  return filled === text ? text : { 'Fn::Sub': filled };
}

function terraform(): object {
  const names = Object.keys(POLICIES);
  return {
    '//': HEADER,
    variable: {
      bucket: variable('bucket', BUCKET_PATTERN),
      tree: variable('tree', TREE_PATTERN),
    },
    data: {
      aws_partition: { current: {} },
      aws_iam_policy_document: Object.fromEntries(
        names.map((name) => [snake(name), { statement: terraformStatements(POLICIES[name]!) }]),
      ),
    },
    resource: {
      aws_iam_policy: Object.fromEntries(
        names.map((name) => [
          snake(name),
          {
            name_prefix: `miyamoto-${snake(name).replaceAll('_', '-')}-`,
            policy: `\${data.aws_iam_policy_document.${snake(name)}.json}`,
          },
        ]),
      ),
    },
    output: Object.fromEntries(
      names.map((name) => [snake(name), { value: `\${aws_iam_policy.${snake(name)}.arn}` }]),
    ),
  };
}

function variable(name: string, pattern: string): object {
  return {
    type: 'string',
    validation: {
      condition: `\${can(regex("${pattern}", var.${name}))}`,
      error_message: `The ${name} must match ${pattern}.`,
    },
  };
}

function terraformStatements({ Statement }: PolicyDocument): object[] {
  return Statement.map(({ Sid, Effect, Action, Resource, Condition }) => ({
    sid: Sid,
    effect: Effect,
    actions: Action,
    resources: replaced(Resource, interpolated),
    ...(Condition !== undefined && {
      condition: Object.entries(Condition).flatMap(([test, keys]) =>
        Object.entries(keys).map(([key, values]) => ({
          test,
          variable: key,
          values: replaced(values, interpolated),
        })),
      ),
    }),
  }));
}

/** https://developer.hashicorp.com/terraform/language/syntax/json */
function interpolated(text: string): string {
  return text
    .replaceAll('${', '$$${')
    .replaceAll(BUCKET, `arn:\${data.aws_partition.current.partition}:s3:::\${var.bucket}`)
    .replaceAll(TREE, `\${var.tree}`);
}

function snake(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase();
}

/** A copy in which every text is replaced. */
function replaced(value: unknown, by: (text: string) => unknown): unknown {
  if (typeof value === 'string') return by(value);
  if (Array.isArray(value)) return value.map((each) => replaced(each, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, by)]));
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(templates()))
    writeFileSync(join(import.meta.dirname, name), text);
}
