/** The environment in which Kubernetes evaluates expressions, as of 1.36. Source: `apiserver/pkg/cel/environment/base.go`. */
import { Environment } from './environment.ts';
import { kubernetesLibraries } from './library/index.ts';

/** What one expression may cost. */
export const perCallLimit = 1_000_000;
/** What all expressions for one object may cost together. */
export const runtimeCostBudget = 10_000_000;

/** Without variables: extend it by those that the expressions may use. */
export const kubernetesEnvironment: Environment = new Environment({
  libraries: kubernetesLibraries,
  validateLiterals: true,
  // Since 1.32: `self.namespace` means what `self.__namespace__` means.
  keywordFields: true,
});
