// Package phrase holds every word that leaves Dutyline for a person's screen or phone, in the six languages of the United Nations, and counts
// what a text costs.
//
// The words lie in lang/, one file a language; a test holds the files to the same keys and placeholders, and every text message to one
// segment. Words of pages and calls may use any letter, text messages
// of English, French and Spanish only those of the GSM alphabet. What a voice says is made by [Spoken].
package phrase
