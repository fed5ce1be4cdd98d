import type { ApiObject } from '../machinery/object.ts';
import { badRequest } from '../machinery/status.ts';
import type { ApiRequest } from './api-request.ts';
import type { RequestBody } from './decode.ts';
import type { WriteOptions } from './options.ts';
export interface Applied {
  trackFields: (draft: ApiObject, live: ApiObject | undefined) => void;
}
export function decodeApplied(_body: RequestBody, _request: ApiRequest, _options: WriteOptions): Applied {
  throw badRequest('apply');
}
export function applyConfiguration(
  _c: ApiObject | undefined,
  _a: Applied,
  _r: ApiRequest,
  _o: WriteOptions,
): ApiObject {
  throw badRequest('apply');
}
