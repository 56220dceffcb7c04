// Package vonagesim simulates the part of Vonage that Dutyline uses: texts with delivery receipts and replies, calls that are picked up at
// once and follow what they are told, reports and lists, and webhooks signed as the vendor signs them. It serves tests. It shares no code with
// notifier/vonage, and checks and makes signatures by the standard library alone, so that the two must agree on the vendor's protocol.
package vonagesim
