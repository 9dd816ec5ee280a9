// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Role} from "../objects/Role.sol";
import {RoundWork} from "../objects/RoundWork.sol";
import {WorkClaim} from "../objects/WorkClaim.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Network} from "./Network.sol";
import {Trees} from "./Trees.sol";

/// @title Three transcoders with 10, 20 and 70 % of the stake, four equal verifiers, and their lists of work
abstract contract WorkStage is Network {
    using BlsSigner for uint256;

    uint64 internal constant ALL = 0xf;

    /// In ascending order of address, as in the snapshot.
    address[3] internal transcoders = [address(0xA1), address(0xA2), address(0xA3)];
    uint256[3] internal stakes = [100 * LPT, 200 * LPT, 700 * LPT];
    /// Secrets of the verifiers by position in the snapshot.
    uint256[4] internal seats;

    function startWork() internal {
        deploy();
        for (uint256 i = 0; i < 3; ++i) {
            bond(Role.Transcoder, transcoders[i], stakes[i]);
        }
        _seat();
        openRound();
    }

    function verifier(uint256 position) internal view returns (address) {
        return vm.addr(seats[position]);
    }

    /// @dev A list in which transcoder i has `pixels[i]`, those with none left out.
    function listOf(uint64 round, uint64[3] memory pixels)
        internal
        view
        returns (RoundWork memory list, WorkClaim[] memory claims)
    {
        claims = new WorkClaim[](3);
        uint32 count;
        for (uint256 i = 0; i < 3; ++i) {
            if (pixels[i] == 0) continue;
            claims[count++] = WorkClaim(transcoders[i], round, keccak256(abi.encode(round, i)), pixels[i]);
            list.totalPixels += pixels[i];
        }
        assembly ("memory-safe") {
            mstore(claims, count)
        }
        (list.round, list.claims, list.duties) = (round, count, ALL);
        if (count != 0) list.claimsRoot = Trees.root(leaves(claims));
    }

    function leaves(WorkClaim[] memory claims) internal view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            hashes[i] = MerkleTree.leafHash(abi.encodePacked(work.hashWorkClaim(claims[i])));
        }
    }

    /// @dev The signature of the sum of the signers' secrets is the sum of their signatures.
    function signList(RoundWork memory list, uint64 bitmap) internal view returns (bytes memory) {
        uint256 sum;
        for (uint256 i = 0; i < 4; ++i) {
            if ((bitmap >> i) & 1 == 1) sum += seats[i];
        }
        return sum.sign(work.hashRoundWork(list));
    }

    /// @dev Opens the next round and lets pass what a list of `round` waits for.
    function settle(uint64 round) internal {
        if (rounds.currentRound() == round) openRound();
        (uint256 from,) = work.windowOf(round);
        if (block.number < from) vm.roll(from);
    }

    function certify(RoundWork memory list, uint64 bitmap) internal {
        settle(list.round);
        bytes memory aggregate = signList(list, bitmap);
        work.certify(list, bitmap, aggregate);
    }

    function claim(WorkClaim[] memory claims, uint256 index) internal returns (uint256) {
        return work.claim(claims[index], index, Trees.path(leaves(claims), index));
    }

    /// @dev Four verifiers whose addresses ascend.
    function _seat() private {
        for (uint256 i = 0; i < 4; ++i) {
            seats[i] = 0x5EA7 + i;
        }
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 j = i + 1; j < 4; ++j) {
                if (vm.addr(seats[j]) < vm.addr(seats[i])) (seats[i], seats[j]) = (seats[j], seats[i]);
            }
        }
        for (uint256 i = 0; i < 4; ++i) {
            bond(Role.Verifier, verifier(i), 100 * LPT);
            register(verifier(i), seats[i]);
        }
    }
}
