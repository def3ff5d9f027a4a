/** Links into the Temporal Web UI; null where nobody said where that is. */

import type { TemporalTarget } from '../config/connections.ts';

type Ui = Pick<TemporalTarget, 'uiUrl' | 'namespace'>;

/** One workflow. */
export const workflowUrl = (temporal: Ui, workflowId: string): string | null =>
  linkTo(temporal, `workflows/${encodeURIComponent(workflowId)}`);

/** The workflows that a list filter finds, for example `FailureClass = 'FontMissing'`. */
export const workflowsUrl = (temporal: Ui, query: string): string | null =>
  linkTo(temporal, `workflows?query=${encodeURIComponent(query)}`);

const linkTo = ({ uiUrl, namespace }: Ui, path: string): string | null =>
  uiUrl === null ? null : `${uiUrl}/namespaces/${namespace}/${path}`;
