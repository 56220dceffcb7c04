// Package vault seals what people wrote, and can make it unreadable for ever.
//
// Every scope (a request, a person) has a key of its own. It lies, wrapped by the deployment's key, in a log that can delete. [Vault.Erase]
// first writes an empty tombstone, which every reader obeys, and then deletes the key securely: what was sealed is gone, and the log that
// holds the sealed bytes still verifies.
package vault
