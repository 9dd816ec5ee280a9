//! Video in, AV1 chunks out.
//!
//! [`mod@probe`] says what a file is, [`segmenter`] cuts it, [`workers`] runs [`request`]s in child processes
//! (`assay worker`, see [`worker`]) that decode with FFmpeg and encode with `assay-chunk`, [`package`] writes the
//! chunks as CMAF and HLS, and [`conformance`] proves that this machine gives the bytes everyone else gets. [`live`] cuts
//! streams as they arrive, [`soundtrack`] takes the audio out of files.
//!
//! The parent never parses video: FFmpeg and the worker do, behind walls ([`mod@sandbox`]), without environment, keys or
//! network, under memory, time and picture-size caps.
#![forbid(unsafe_code)]

pub mod bench;
mod child;
pub mod conformance;
pub mod fault;
pub mod ffmpeg;
mod framing;
pub mod input;
pub mod ladder;
pub mod limits;
pub mod live;
pub mod package;
pub mod probe;
mod reply;
pub mod request;
pub mod sandbox;
pub mod segmenter;
pub mod settings;
mod slots;
pub mod soundtrack;
pub mod synth;
mod tool;
mod transport;
pub mod worker;
pub mod workers;
pub mod y4m;

pub use fault::{Fault, WorkerError, leaf_count};
pub use input::InputError;
pub use ladder::Ladder;
pub use limits::Limits;
pub use package::Packager;
pub use probe::{Probe, probe};
pub use request::{
    EncodeRequest, Encoded, EncodedLeaf, Finished, InspectRequest, Inspected, LeafRequest,
    SimdLevel,
};
pub use sandbox::Walls;
pub use segmenter::{Segment, Segmenter};
pub use settings::encoder_id;
pub use tool::ToolError;
pub use workers::{Priority, WorkerCommand, Workers};
