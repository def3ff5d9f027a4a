/**
 * How failures are written where payloads are encrypted, in workflows, activities and clients: message and stack trace as a payload.
 * Loaded by its path; a worker's bundle has it when that worker encrypts.
 */

import { DefaultFailureConverter, type PayloadConverter, type ProtoFailure } from '@temporalio/common';

/**
 * In the form of the SDK's own `encodeCommonAttributes`, which every SDK and the Web UI read. That one writes over the failure that an error
 * came with, so an error that is converted twice would lose its message (1.23.0), and leaves causes as they came: those of a worker
 * that did not encrypt yet.
 */
class EncodedFailures extends DefaultFailureConverter {
  override errorToFailure(...[error, payloads, context]: Parameters<DefaultFailureConverter['errorToFailure']>) {
    return encoded(this.errorToFailureInner(error, payloads, context), payloads);
  }
}

function encoded(failure: ProtoFailure, payloads: PayloadConverter): ProtoFailure {
  const { message, stackTrace, cause, encodedAttributes } = failure;
  return {
    ...failure,
    ...{ message: 'Encoded failure', stackTrace: '' },
    encodedAttributes: encodedAttributes ?? payloads.toPayload({ message, stack_trace: stackTrace }),
    cause: cause && encoded(cause, payloads),
  };
}

export const failureConverter = new EncodedFailures();
