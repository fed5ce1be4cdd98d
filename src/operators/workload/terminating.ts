/** Reconciles in namespaces that go away. */
import type { KeyReconciler } from '../../runtime/index.ts';
import { isNamespaceTerminating } from './pod-control.ts';

/** What cannot be made because the namespace is going is no failure, and trying again would not help. */
export function endingWithNamespace(reconcile: KeyReconciler): KeyReconciler {
  return async (key, context) => {
    try {
      return await reconcile(key, context);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
      return undefined;
    }
  };
}
