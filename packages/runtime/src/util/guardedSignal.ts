// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * A signal aborted as soon as one of its parents is, or as soon as `check` gives a reason when somebody looks at it.
 *
 * @remarks
 * A paused process (SIGSTOP, a frozen container, a long stall) runs what was due in no useful order when it wakes: code of a reconcile
 * may come before the timer that would have aborted it. Here reading `aborted` itself asks the check, so the first look after the
 * pause sees the truth; undici, `AbortSignal.any` and `throwIfAborted` all look before they start something. Parents are asked the same way.
 */
export function guardedSignal(parents: (AbortSignal | undefined)[], check?: () => Error | undefined): AbortSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const sources = parents.filter((parent) => parent !== undefined);
  const onAbort = (): void => {
    const source = sources.find((parent) => parent.aborted);
    if (!source) return;
    for (const parent of sources) parent.removeEventListener('abort', onAbort);
    controller.abort(source.reason);
  };
  for (const parent of sources) parent.addEventListener('abort', onAbort);

  // The getter of the prototype, bound: the own property below hides it.
  const wasAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get?.bind(signal) as () => boolean;
  const isAborted = (): boolean => {
    if (wasAborted()) return true;
    onAbort();
    if (!wasAborted()) {
      const reason = check?.();
      if (reason) controller.abort(reason);
    }
    return wasAborted();
  };
  Object.defineProperties(signal, {
    aborted: { get: isAborted },
    throwIfAborted: {
      value: () => {
        if (isAborted()) throw signal.reason;
      },
    },
  });
  if (sources.some((parent) => parent.aborted)) onAbort();
  return signal;
}
