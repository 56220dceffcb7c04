// Package calendar brings the roster into calendars, and holidays and leave out of them (iCalendar, RFC 5545).
//
// [Write] writes the final roster as the resolver has it, for one roster or one person. Every event is one person's unbroken time on duty
// on one roster. Its UID comes from roster, person and start alone, so that a shift which did not change is the same event in every
// calendar and after every edit. What was written for one revision and one span is always the same text. An event tells call sign and
// roster, and nothing else of anybody: a calendar lies on telephones and at providers.
//
// [ReadLeave] and [ReadHolidays] make an edit of the book from a file of somebody else's calendar program. Titles, descriptions and
// participants of its events are not read: why somebody is away is nobody's business. An event that comes again replaces what it brought
// before. What cannot be understood refuses the whole file, with the line and what to do; nothing is taken by halves.
package calendar
