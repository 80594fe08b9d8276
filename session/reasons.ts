// Why sessions end, in the form that logs, status and the fault finder use. Owns the wording.
import { NO_DATA } from '../wire/bgp/error.js';
import type { BgpError } from '../wire/bgp/error.js';
import { notificationName, shutdownCommunication } from '../wire/bgp/notification.js';
import type { Notification } from '../wire/bgp/notification.js';
import type { DownReason } from './types.js';

export function sentReason({ code, subcode, data, reason }: BgpError): DownReason {
  const text = `sent ${notificationName(code, subcode)}${reason ? `: ${reason}` : ''}`;
  return { origin: 'sent', code, subcode, data, text };
}

export function receivedReason(notification: Notification): DownReason {
  const { code, subcode, data } = notification;
  const message = shutdownCommunication(notification);
  const text = `received ${notificationName(code, subcode)}${message ? `: "${message}"` : ''}`;
  return { origin: 'received', code, subcode, data, text };
}

export function transportReason(text: string): DownReason {
  return { origin: 'transport', code: 0, subcode: 0, data: NO_DATA, text };
}
