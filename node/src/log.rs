//! What a node tells, as log lines: words for people, fields for machines.

use assay_protocol::amount::Lpt;

use crate::notice::Notice;
use crate::process::ProcessError;

/// Logs a notice. Blocks and the like are details; what touches work, stake or money is not.
pub(crate) fn notice(notice: &Notice) {
    use tracing::{debug, info, warn};
    match notice {
        Notice::Ready => info!("ready: the network and the chain are there"),
        Notice::Block(number) => debug!(number, "block"),
        Notice::Round(round) => info!(round, "round opened"),
        Notice::Assigned {
            seq,
            attempt,
            transcoder,
            leaves,
            frames,
            deadline,
        } => {
            info!(seq, attempt, %transcoder, leaves, frames, deadline, "assignment");
        }
        Notice::Skipped {
            seq,
            transcoder,
            why,
        } => info!(seq, %transcoder, why, "passed over"),
        Notice::Delivered { seq, transcoder } => info!(seq, %transcoder, "segment delivered"),
        Notice::Gap { seq } => warn!(seq, "nobody delivered this segment"),
        Notice::Receipted {
            seq,
            receipt,
            leaves,
            tampered,
            ..
        } if tampered.is_empty() => {
            info!(seq, %receipt, leaves, "receipt");
        }
        Notice::Receipted {
            seq,
            receipt,
            leaves,
            tampered,
            ..
        } => {
            info!(seq, %receipt, leaves, ?tampered, "receipt with cheap chunks");
        }
        Notice::TicketsWon { tickets } => info!(count = tickets.len(), "tickets won"),
        Notice::TicketPaid {
            ticket,
            paid,
            burned,
        } => info!(%ticket, %paid, %burned, "ticket paid, in wei"),
        Notice::Refused { reason } => warn!(reason, "refused a segment"),
        Notice::Recomputed { leaves, cpu } => debug!(leaves, ?cpu, "recomputed"),
        Notice::Sampled { leaf, pass: true } => {
            info!(receipt = %leaf.receipt, leaf = leaf.index, "sample is right")
        }
        Notice::Sampled { leaf, pass: false } => {
            warn!(receipt = %leaf.receipt, leaf = leaf.index, "sample is WRONG")
        }
        Notice::Mismatch { leaf, transcoder } => {
            warn!(receipt = %leaf.receipt, leaf = leaf.index, %transcoder, "mismatch, also in a fresh process");
        }
        Notice::Accused(leaf) => warn!(receipt = %leaf.receipt, leaf = leaf.index, "accusing"),
        Notice::Signed(leaf) => {
            debug!(receipt = %leaf.receipt, leaf = leaf.index, "verdict signed")
        }
        Notice::Quorum {
            leaf,
            signers,
            weight_bps,
            file,
        } => {
            let file = file.display();
            info!(receipt = %leaf.receipt, leaf = leaf.index, signers, weight_bps, %file, "quorum");
        }
        Notice::Acquitted(leaf) => info!(receipt = %leaf.receipt, leaf = leaf.index, "acquitted"),
        Notice::Trouble { receipt, reason } => {
            warn!(%receipt, reason, "a receipt could not be checked")
        }
        Notice::Duty {
            verifier,
            epoch,
            drawn,
            missed: 0,
        } => debug!(%verifier, epoch, drawn, "report is complete"),
        Notice::Duty {
            verifier,
            epoch,
            drawn,
            missed,
        } => info!(%verifier, epoch, drawn, missed, "report misses leaves"),
        Notice::Transaction {
            what,
            hash,
            gas,
            block,
            ..
        } => info!(what, %hash, gas, block, "transaction"),
        Notice::TransactionFailed { what, reason } => warn!(what, reason, "transaction failed"),
        Notice::CaseOpened {
            case,
            operator,
            leaf,
            bitmap,
            block,
        } => {
            let signers = bitmap.count_ones();
            info!(%case, %operator, receipt = %leaf.receipt, leaf = leaf.index, signers, block, "case opened");
        }
        Notice::SignersJoined { case, bitmap } => {
            info!(%case, signers = bitmap.count_ones(), "others have joined a case's signers");
        }
        Notice::Slashed {
            case,
            operator,
            slashed,
            burned,
            block,
        } => {
            let (slashed, burned) = (Lpt(*slashed), Lpt(*burned));
            info!(%case, %operator, %slashed, %burned, block, "slashed");
        }
        Notice::CaseClosed {
            case,
            operator,
            status,
            block,
        } => info!(%case, %operator, ?status, block, "case closed without a slash"),
        Notice::SignerPaid {
            case,
            verifier,
            amount,
        } => {
            info!(%case, %verifier, amount = %Lpt(*amount), "signer paid");
        }
        Notice::FinderPaid {
            case,
            finder,
            amount,
        } => {
            info!(%case, %finder, amount = %Lpt(*amount), "finder paid");
        }
        Notice::Certified { round, pixels } => info!(round, pixels, "round certified"),
        Notice::Minted {
            round,
            operator,
            duty,
            amount,
        } => {
            info!(round, %operator, duty, amount = %Lpt(*amount), "paid for a round's work");
        }
        Notice::Evidence {
            kind,
            culprit,
            file,
        } => warn!(%kind, %culprit, file = %file.display(), "evidence kept"),
        Notice::Warning(text) => warn!("{text}"),
        Notice::Transcoded { cpu } => debug!(?cpu, "transcoded"),
    }
}

/// Logs that nothing more can be published from the input; the node goes on, because it still serves what it has.
pub(crate) fn publication_failed(error: &ProcessError) {
    tracing::error!("nothing more is published before the next start: {error}");
}
