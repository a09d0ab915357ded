# SPDX-License-Identifier: GPL-2.0-or-later
# Known answers, the host's answers for two megabytes, signatures, and a second of speed each.
equal sha256_abc "$(printf abc | openssl dgst -sha256 -r | cut -d' ' -f1)" \
	ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
equal aes128_fips197 "$(echo 00112233445566778899aabbccddeeff | xxd -r -p |
	openssl enc -aes-128-ecb -nopad -K 000102030405060708090a0b0c0d0e0f | xxd -p)" \
	69c4e0d86a7b0430d8cdb78070b4c55a

key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
initial=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
for cipher in aes-256-cbc aes-256-ctr chacha20; do
	eval "expected=\$$(echo "$cipher" | tr - _)"
	equal "$cipher" "$(openssl enc -"$cipher" -K $key -iv $initial -in /data/random |
		sha256sum | cut -d' ' -f1)" "$expected"
	openssl enc -"$cipher" -K $key -iv $initial -in /data/random -out /tmp/cipher
	check "$cipher-back" sh -c "openssl enc -d -$cipher -K $key -iv $initial -in /tmp/cipher |
		cmp - /data/random"
done
for digest in sha1 sha256 sha512 sha3-256 blake2b512; do
	eval "expected=\$$(echo "$digest" | tr - _)"
	equal "$digest" "$(openssl dgst -"$digest" -r /data/random | cut -d' ' -f1)" "$expected"
done

head -c 1000 /data/random >/tmp/message
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out /tmp/p256
openssl dgst -sha256 -sign /tmp/p256 -out /tmp/signature /tmp/message
check signature_p256 openssl dgst -sha256 -prverify /tmp/p256 -signature /tmp/signature /tmp/message
openssl genpkey -algorithm ED25519 -out /tmp/ed25519
openssl pkeyutl -sign -inkey /tmp/ed25519 -rawin -in /tmp/message -out /tmp/signature
check signature_ed25519 openssl pkeyutl -verify -inkey /tmp/ed25519 -rawin -in /tmp/message \
	-sigfile /tmp/signature

for name in sha256 aes-128-gcm aes-256-cbc; do
	check "speed_$name" openssl speed -seconds 1 -bytes 16384 -evp $name
done
check speed_ecdsap256 openssl speed -seconds 1 ecdsap256
