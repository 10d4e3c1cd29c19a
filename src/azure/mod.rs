//! How this program proves to Azure who it is.

pub mod blob_signing;
pub mod connection_string;
pub mod identity;
pub mod ms_date;
pub mod storage_account;
