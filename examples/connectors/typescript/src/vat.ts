import { action, bpmnError, permanentError, retryableError } from './connector';

interface Answer {
  valid?: boolean;
  name?: string;
  actionSucceed?: boolean;
  errorWrappers?: { error: string }[];
}

// vat makes the actions of the connector; url is where VIES is.
export function vat(url: string) {
  return {
    'vat.CHECK': action(async (call, signal) => {
      const text = call.inputs?.number;
      const number = typeof text === 'string' ? text.replace(/[\s.-]/g, '').toUpperCase() : '';
      const parts = /^([A-Z]{2})([A-Z0-9+*]{2,12})$/.exec(number);
      if (!parts) {
        throw bpmnError('INVALID_NUMBER', 'this is no VAT number: two letters for the country and 2 to 12 more characters are expected');
      }
      const answer = await ask(`${url}/check-vat-number`, { countryCode: parts[1], vatNumber: parts[2] }, call.idempotencyKey, signal);
      const name = answer.name ?? '';
      return { valid: answer.valid === true, holder: name === '---' ? '' : name };
    }),
  };
}

async function ask(url: string, body: object, key: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST', body: JSON.stringify(body), signal,
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
  });
  if (response.status === 429 || response.status >= 500) {
    const after = Number(response.headers.get('Retry-After') ?? NaN);
    throw retryableError('VIES_UNAVAILABLE', `VIES answers ${response.status}`, Number.isFinite(after) ? after : undefined);
  }
  const answer = (await response.json()) as Answer;
  const error = answer.errorWrappers?.[0]?.error ?? '';
  if (error === 'INVALID_INPUT') {
    throw bpmnError('INVALID_NUMBER', 'VIES does not take this for a VAT number');
  }
  if (answer.actionSucceed === false) { // MS_UNAVAILABLE, MS_MAX_CONCURRENT_REQ and the like
    throw retryableError('VIES_UNAVAILABLE', `VIES answers ${error}`);
  }
  if (!response.ok) {
    throw permanentError('VIES_REFUSED', `VIES answers ${response.status}`);
  }
  return answer;
}
