/** The node agent and its runtimes. */
export { type AgentServerOptions, NodeAgent, type NodeAgentOptions, type StopOptions } from './agent/agent.ts';
export type { ContainerSample, ResourceUsage, UsageSample } from './agent/resource-usage.ts';
export * from './container-runtime.ts';
export { createProcessRuntime, type ProcessRuntimeOptions } from './process/process-runtime.ts';
export type { Behaviour, BehaviourOf, ExecAnswer } from './simulated/behaviour.ts';
export {
  createSimulatedRuntime,
  type SimulatedRuntime,
  type SimulatedRuntimeOptions,
} from './simulated/simulated-runtime.ts';
