/** A request in the versions in which policies and webhooks want to see it. */
import type { ApiObject } from '../machinery/object.ts';
import { parseGroupVersion } from '../machinery/object.ts';
import { internalError, StatusError } from '../machinery/status.ts';
import type { AdmissionRequest } from './chain.ts';
import type { AdmissionHost } from './host.ts';
import type { Shown } from './matching.ts';
import { RequestView } from './request-view.ts';

/** Synchronous for the version of the request, which nearly everybody asks for. */
export function viewOf(
  request: AdmissionRequest,
  shown: Shown,
  host: AdmissionHost,
): RequestView | Promise<RequestView> {
  if (shown.apiVersion === request.apiVersion)
    return new RequestView(request, shown, request.object, request.oldObject);
  return converted(request, shown, host);
}

async function converted(request: AdmissionRequest, shown: Shown, host: AdmissionHost): Promise<RequestView> {
  const { object, oldObject } = request;
  const [after, before] = await Promise.all([
    object === undefined ? undefined : convertTo(request, object, shown.apiVersion, host),
    oldObject === undefined ? undefined : convertTo(request, oldObject, shown.apiVersion, host),
  ]);
  return new RequestView(request, shown, after, before);
}

/** @throws StatusError 500 in the words of Kubernetes' admission when the object does not convert */
export async function convertTo(
  { type }: AdmissionRequest,
  object: ApiObject,
  apiVersion: string,
  host: AdmissionHost,
): Promise<ApiObject> {
  try {
    return await host.convert(type, object, parseGroupVersion(apiVersion).version);
  } catch (error) {
    if (error instanceof StatusError && error.code === 500) throw error;
    throw internalError(error instanceof Error ? error.message : String(error));
  }
}
