//! assay-verifier
