//! Runs of segments as two verifiers have seen them, and how much of a round a job is.

use assay_protocol::certification::JobSheet;
use assay_protocol::round_work::{Sheet, is_run};

/// Pixels of a sheet: what a job is worth where not all have room. Segments would not do: small ones cost nothing.
pub(super) fn pixels(sheet: &Sheet) -> u64 {
    let entries = sheet.entries.values();
    entries.fold(0, |sum, entry| sum.saturating_add(entry.pixels))
}

/// One's own sheet over the proposed run, if that fits.
pub(super) fn fit(own: &Sheet, job: &JobSheet) -> Option<Sheet> {
    fits((own.start, own.end), (job.start, job.end)).then(|| Sheet {
        start: job.start,
        end: job.end,
        entries: own.entries.clone(),
    })
}

/// Whether a verifier that has seen the first run confirms the second one: it holds all that was seen and not much more.
/// Each may have missed the last assignments of a round, or the first of a job that it has not known before.
pub(super) fn fits(seen: (u32, u32), proposed: (u32, u32)) -> bool {
    let lengths = (
        seen.1.checked_sub(seen.0),
        proposed.1.checked_sub(proposed.0),
    );
    let (Some(own), Some(length)) = lengths else {
        return false;
    };
    let holds = proposed.0 <= seen.0 && proposed.1 >= seen.1;
    holds && length <= own.saturating_add(own / 8 + 2) && is_run(proposed.0, proposed.1)
}

/// The run that holds both, if those who have seen the one and the other confirm it.
pub(super) fn joined(a: (u32, u32), b: (u32, u32)) -> Option<(u32, u32)> {
    let both = (a.0.min(b.0), a.1.max(b.1));
    (fits(a, both) && fits(b, both)).then_some(both)
}
