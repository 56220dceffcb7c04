// Package sheet puts the roster on paper, for the day when everything is down: who is on duty in the next days, in the roster's time and in
// UTC, in which order people are called, and how each can be reached. It is pure. A sheet holds names and telephone numbers and says so on
// itself; it is for coordinators.
//
// [Build] makes a [Sheet], which is data; [Sheet.HTML] is an A4 page that needs nothing but itself, [Sheet.Text] the same for a printer
// without one. Its words are English; names stand as they are written, in either direction of writing.
package sheet
