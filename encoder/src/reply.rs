//! What comes back from a worker, message by message.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::request::{EncodedLeaf, Inspected};
use crate::sandbox::Walls;

/// In this order: how far decoding is, the source, each leaf as it is done, the end. An inspection has no leaves, an
/// attempt to escape its walls alone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// So many frames have been decoded; said now and then.
    Decoded(u32),
    /// The whole source has been decoded.
    Source(Inspected),
    /// A leaf is done.
    Leaf {
        /// Its place in the job's list.
        place: u32,
        /// What came out.
        leaf: EncodedLeaf,
    },
    /// One leaf less is encoded at the same time, as it was told.
    Fewer,
    /// What could not be broken out of.
    Walls(Walls),
    /// Nothing more comes.
    Done {
        /// CPU time of scaling and encoding, over all threads.
        encode_cpu: Duration,
    },
}

/// One message on the worker's standard output. A fault is the last one.
pub(crate) type Message = Result<Reply, Fault>;
