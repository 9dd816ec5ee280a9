// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bls} from "../libraries/Bls.sol";

/// @title Real BLS keys and signatures, by multiplication in the precompiles
/// @notice For tests: a secret key in contract memory is no secret.
library BlsSigner {
    address private constant G1_MSM = address(0x0c);
    address private constant G2_MSM = address(0x0e);
    bytes private constant G2 = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
        hex"000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";

    function key(uint256 secret) internal view returns (bytes memory) {
        return _multiply(G2_MSM, G2, secret);
    }

    function sign(uint256 secret, bytes32 digest) internal view returns (bytes memory) {
        return _multiply(G1_MSM, Bls.hashToG1(digest, Bls.SIGNATURE_DST_PRIME), secret);
    }

    function prove(uint256 secret, bytes32 message) internal view returns (bytes memory) {
        return _multiply(G1_MSM, Bls.hashToG1(message, Bls.POSSESSION_DST_PRIME), secret);
    }

    function _multiply(address precompile, bytes memory point, uint256 scalar)
        private
        view
        returns (bytes memory)
    {
        (bool ok, bytes memory out) = precompile.staticcall(abi.encodePacked(point, scalar));
        require(ok, "multiplication");
        return out;
    }
}
