//! assay-protocol
