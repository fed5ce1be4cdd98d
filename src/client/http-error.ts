/** What a failed answer says, as a StatusError: the Status in it, or one made from its code as client-go does. */
import { isJsonObject, JsonSyntaxError, parseJson } from '../machinery/json.ts';
import { type Status, StatusError } from '../machinery/status.ts';

/** client-go's words for answers that bring none (`errors.NewGenericServerResponse`). */
const generic: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', 'the server was unable to respond with a content type that the client supports'],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Gone', 'the server reported that the resource is gone'],
  413: ['RequestEntityTooLarge', 'the request is too large'],
  415: ['UnsupportedMediaType', 'the server was unable to process the content type of the request'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  500: ['InternalError', 'an error on the server has prevented the request from succeeding'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

export function statusErrorOf(code: number, text: string): StatusError {
  const body = jsonOf(text);
  if (isJsonObject(body) && body.kind === 'Status') return statusError({ code, ...body } as unknown as Status);
  // Proxies and authenticators answer in plain words; forbidden requests bring theirs.
  if (code === 403) return new StatusError(403, 'Forbidden', text.trim() || 'forbidden');
  const [reason, message] = generic[code] ?? [
    '',
    `the server responded with the status code ${code} but did not return more information`,
  ];
  return new StatusError(code, reason, message, {
    causes: [{ reason: 'UnexpectedServerResponse', message: text.trim() || 'unknown' }],
  });
}

/** History that is gone is `Expired`, whichever of the API's two words the server uses. */
export function statusError(status: Status): StatusError {
  return StatusError.from(status.code === 410 ? { ...status, reason: 'Expired' } : status);
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}
