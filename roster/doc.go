// Package roster says who is on duty at a moment, and why. It is pure: a [Book] is the whole document that coordinators edit, and
// [Compile] makes of it the one resolver that screen, page, calendar, command line and interface ask.
//
// Spans are half-open: a shift includes its start and not its end, so that shifts tile time without overlap or hole.
//
// # Wall clock
//
// Turns, restrictions and dates are wall-clock times of the roster's zone, by one rule: something that happens at a wall-clock time
// happens at the first instant at which the zone's clock has reached that time. So where the time does not exist (clocks go forward) it
// happens at the first instant after the gap, and where it comes twice (clocks go back) at its first occurrence. It follows that
//
//   - a turn or a window that lies wholly within a gap has no length, and nobody notices it;
//   - a window from 02:00 to 03:00 in a night in which the hour from 02:00 comes twice holds for both;
//   - turns and windows never overlap and never leave a hole, whatever a zone does;
//   - a day has 23 or 25 hours, and its turn with it: lengths are counted on the wall clock, not in elapsed time.
//
// Overrides, leave, covers, swaps and shadows are instants, and know no zone.
//
// # Who is on duty
//
// In this order, for one moment:
//
//  1. In each layer the turn that the wall clock has come to, if a restriction does not exclude the moment. Restrictions do not stop
//     the counting of turns.
//  2. In the place of each person whoever took over from them, by the accepted covers and then the accepted swaps, in the order of the book.
//     Whoever is on leave, or not active on that day, then drops out.
//  3. The overrides of the layer, in the order of the book.
//  4. The last layer that has somebody left; the others do not count.
//  5. The overrides of the roster, in the order of the book. Point 2 holds for whom they name, too.
//  6. Beside them, who is in training and follows somebody of them. They are no officers: a gap with a shadow is a gap.
//
// # The past
//
// Shifts that are over never change. A layer keeps, in [Layer.Past], how it worked before each edit, until when; see [CheckPast],
// [KeepPast] and docs/decisions/0018-the-past-of-a-roster.md.
package roster
