// What every connector has in common: the shapes of a call, its errors, and the sign of life. Nothing here knows of VAT.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

// The input of every connector activity.
export interface Call {
  idempotencyKey: string; // the same over all attempts of a call, different for every other call
  implementation: string; // vat.CHECK
  inputs: Record<string, unknown> | null; // null: nothing is mapped
  context: {
    processInstanceId: string;
    processDefinitionKey: string;
    processDefinitionVersion: number;
    businessKey?: string;
    elementId: string;
    elementName?: string;
  };
}

// The result of every connector activity.
export interface Result {
  outputs: Record<string, unknown>;
}

// A named error that the process may catch at a boundary event. It is not retried.
export function bpmnError(code: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, `bpmn:${code}`);
}

// An error that no retry mends and no process should catch: an incident, which somebody looks at.
export function permanentError(code: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}

// An error that is worth another attempt, as often as the connector's definition says. Any other exception is taken for one, too.
export function retryableError(code: string, message: string, afterSeconds?: number): ApplicationFailure {
  return ApplicationFailure.create({
    message, type: code, nextRetryDelay: afterSeconds === undefined ? undefined : `${afterSeconds} seconds`,
  });
}

// action makes an activity of a function. While it runs, Waybill is told every five seconds that it does: calls of a worker
// that says nothing for fifteen are given to another one. signal ends when the process no longer wants the call.
export function action(run: (call: Call, signal: AbortSignal) => Promise<Record<string, unknown>>): (call: Call) => Promise<Result> {
  return async (call) => {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), 5_000);
    try {
      return { outputs: await run(call, context.cancellationSignal) };
    } finally {
      clearInterval(beat);
    }
  };
}
