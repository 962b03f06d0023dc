import * as z from 'zod';
import { duration } from '../../shared/duration.ts';
import { AbsolutePath } from './host-path.ts';

/** Programs of the host that run before and after Puppet. See docs/agent.md. */
export const Hooks = z
  .strictObject({
    directory: AbsolutePath.optional().describe(
      'Has `pre-run`, `on-change`, `on-failure` and `post-run`, with the programs to run. Left out: `/etc/miyamoto/hooks.d`. See [agent.md](agent.md#hooks).',
    ),
    time_limit: duration({ min: '1s', max: '1h' })
      .prefault('1m')
      .describe('Limit for each program.'),
    noop: z.boolean().default(false).describe('Run them for noop runs as well.'),
  })
  .prefault({});
