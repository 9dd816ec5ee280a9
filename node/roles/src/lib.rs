//! assay-roles
