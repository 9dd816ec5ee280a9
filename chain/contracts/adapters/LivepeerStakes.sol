// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ISlashable} from "../interfaces/ISlashable.sol";
import {Role} from "../objects/Role.sol";
import {ILivepeerBondingManager, ILivepeerController} from "./ILivepeer.sol";

/// @title The court in front of Livepeer's own stakes
/// @notice Livepeer's `Controller` names this contract "Verifier"; then a slash by the court is a
///         `slashTranscoder` of Livepeer's `BondingManager`, which is looked up each time, because the controller may
///         replace it. docs/livepeer.md says what cannot be done this way: delegations, stake that is unbonding and
///         verifiers' stakes are out of reach, and nobody is frozen.
contract LivepeerStakes is ISlashable {
    /// Livepeer has no stakes of verifiers.
    error NoSuchRole(Role role);

    /// Livepeer's percentages are parts of a million.
    uint256 private constant PERC_DIVISOR = 1_000_000;
    uint256 private constant BPS = 10_000;
    bytes32 private constant BONDING_MANAGER = keccak256("BondingManager");

    /// Livepeer's registry of contracts.
    ILivepeerController public immutable controller;
    /// LPT.
    IERC20 public immutable token;
    /// @inheritdoc ISlashable
    address public immutable court;

    mapping(address operator => uint256 openCases) private _openCases;

    modifier onlyCourt() {
        if (msg.sender != court) revert NotTheCourt(msg.sender);
        _;
    }

    modifier transcoders(Role role) {
        if (role != Role.Transcoder) revert NoSuchRole(role);
        _;
    }

    constructor(ILivepeerController controller_, IERC20 token_, address court_) {
        controller = controller_;
        token = token_;
        court = court_;
    }

    /// @inheritdoc ISlashable
    /// @dev Counted, but nothing stops the operator from unbonding at Livepeer.
    function freeze(Role role, address operator) external onlyCourt transcoders(role) {
        ++_openCases[operator];
    }

    /// @inheritdoc ISlashable
    function unfreeze(Role role, address operator) external onlyCourt transcoders(role) {
        emit Unfrozen(role, operator, --_openCases[operator]);
    }

    /// @inheritdoc ISlashable
    /// @dev The court is Livepeer's "finder" of the whole penalty, and burns what nobody earns. What has arrived is
    ///      counted: Livepeer rounds its parts down, and cuts nothing from whoever has no bond.
    function slash(Role role, address operator, uint256 bps)
        external
        onlyCourt
        transcoders(role)
        returns (uint256 ownCut, uint256 delegatedCut)
    {
        uint256 before = token.balanceOf(court);
        _bonding().slashTranscoder(operator, court, bps * PERC_DIVISOR / BPS, PERC_DIVISOR);
        ownCut = token.balanceOf(court) - before;
        emit Slashed(role, operator, bps, ownCut, 0);
        return (ownCut, 0);
    }

    /// @inheritdoc ISlashable
    function slashable(Role role, address operator) external view returns (uint256 bonded) {
        if (role != Role.Transcoder) return 0;
        (bonded,,,,,,) = _bonding().getDelegator(operator);
    }

    /// @inheritdoc ISlashable
    function isFrozen(Role, address operator) external view returns (bool) {
        return _openCases[operator] != 0;
    }

    function _bonding() private view returns (ILivepeerBondingManager) {
        return ILivepeerBondingManager(controller.getContract(BONDING_MANAGER));
    }
}
