//! Classic bugs of such programs, put back one at a time, to show that the oracle would see them.
//!
//! A bug is put between the pass and its ports, where the pass as a whole behaves as the faulty program
//! did; none of it is in the program itself.

/// One bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A range begins a second after the last one ended.
    StartPlusOne,
    /// A batch counts as taken before the sink has answered, so the checkpoint is ahead.
    CheckpointBeforeAcknowledgement,
    /// A range ends now, where records still appear.
    EndIsNow,
    /// Nothing before the watermark is read again.
    NoLateArrival,
    /// Message id and second stand for the identity of a record.
    DedupByMessageAndSecond,
    /// A page token is used for another range than it was given for.
    TokenForAnotherRange,
    /// The ledger is written behind the checkpoint that has forgotten its entries.
    LedgerBehindCheckpoint,
    /// A failure inside an answer is taken for an empty page.
    IgnoresFail,
    /// The checkpoint is written whatever lies there meanwhile.
    BlindOverwrite,
    /// A post that failed counts as taken.
    TakesFailureForSuccess,
    /// What was delivered is forgotten between passes.
    ForgetsWhatWasDelivered,
    /// Only the first page of a range is read.
    FirstPageOnly,
    /// Of a batch that is refused for one record, all records are dropped.
    DropsTheWholeBatch,
    /// What appears later than the late-arrival window is never looked for.
    NoReconciliation,
}

impl Bug {
    pub const ALL: [Self; 14] = [
        Self::StartPlusOne,
        Self::CheckpointBeforeAcknowledgement,
        Self::EndIsNow,
        Self::NoLateArrival,
        Self::DedupByMessageAndSecond,
        Self::TokenForAnotherRange,
        Self::LedgerBehindCheckpoint,
        Self::IgnoresFail,
        Self::BlindOverwrite,
        Self::TakesFailureForSuccess,
        Self::ForgetsWhatWasDelivered,
        Self::FirstPageOnly,
        Self::DropsTheWholeBatch,
        Self::NoReconciliation,
    ];
}
