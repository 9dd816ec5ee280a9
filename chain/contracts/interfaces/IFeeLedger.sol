// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A transcoder's fees that delegators share, in wei.
struct FeePool {
    /// Not yet released; becomes free evenly over the blocks until `endBlock`.
    uint256 pending;
    /// Released and not yet divided by shares.
    uint256 undivided;
    /// Block in which everything will have been released.
    uint64 endBlock;
}

/// @title ETH fees of transcoders and their delegators
/// @notice Each payment is divided as Livepeer divides it: the operator keeps what its fee share leaves, and the
///         fee share goes to all bonded stake by shares, the operator's own included. The shared part is
///         released evenly over a round's length, so that nobody earns by passing through a pool when a
///         payment arrives.
interface IFeeLedger {
    /// Only the bonding manager may say how shares change.
    error NotTheBondingManager(address caller);
    /// Only the ticket broker pays fees.
    error NotTheBroker(address caller);
    /// The operator's own fees wait until its cases are over; its delegators' do not.
    error OperatorFrozen(address operator);
    /// There is nothing to withdraw.
    error NoFees(address operator, address holder);
    /// The account does not take ETH.
    error NotTaken(address to, uint256 amount);

    /// A transcoder was paid; `shared` of it is for all its stake by shares, the rest is the operator's.
    event FeesCredited(address indexed operator, uint256 amount, uint256 shared);
    /// A holder took its fees out.
    event FeesWithdrawn(address indexed operator, address indexed holder, address indexed to, uint256 amount);

    /// @notice Pays a transcoder for work of a round, by whose cuts it is shared. The broker's alone.
    function credit(address operator, uint64 round) external payable;

    /// @notice Makes the slot of an operator's payments, so that the first one costs as little as every other. Anyone
    ///         may call it; it changes nothing else.
    function prepare(address operator) external;

    /// @notice Divides what was released so far by the shares and books a holder's part. The bonding manager's
    ///         alone, before a holder's bonded shares in a transcoder's pool change, and before a generation of
    ///         shares ends (then with the operator as the holder).
    /// @param holder the operator itself for its own bond
    /// @param holderShares what the holder has in `generation`, before the change
    /// @param totalShares all shares of `generation`, before the change; 0 if `generation` has ended, whose fees
    ///        per share are final
    /// @param generation of the pool: all shares of earlier ones are void, but fees earned by them are not
    function settle(
        address operator,
        address holder,
        uint256 holderShares,
        uint256 totalShares,
        uint32 generation
    ) external;

    /// @notice Pays the caller's released fees from an operator's pool to `to`.
    function withdrawFees(address operator, address payable to) external returns (uint256 amount);

    /// @notice What the holder could withdraw in this block, in wei.
    function feesOf(address operator, address holder) external view returns (uint256);

    /// @notice Fees on their way to an operator's stake.
    function poolOf(address operator) external view returns (FeePool memory);
}
