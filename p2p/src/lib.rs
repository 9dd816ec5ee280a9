//! assay-p2p
