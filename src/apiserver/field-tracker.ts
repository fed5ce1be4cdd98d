import type { ApiObject } from '../machinery/object.ts';
import type { ApiRequest } from './api-request.ts';
export function fieldTracker(
  _request: ApiRequest,
  _manager: string,
): (draft: ApiObject, live: ApiObject | undefined) => void {
  return () => undefined;
}
