<?php
/**
 * The sender: one try to hand a signup to the program, and what its answer means.
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

const NURTURE_TIMEOUT    = 5;
const NURTURE_TRY_FOR    = 7 * DAY_IN_SECONDS;
const NURTURE_ON_TIME    = MINUTE_IN_SECONDS;
const NURTURE_PAUSES     = array( 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200 );
const NURTURE_MOST_TRIES = 24;
const NURTURE_TRY_AGAIN  = array( 401, 404, 408, 425, 429 );

/**
 * Try one row that is due; return whether another is worth trying.
 *
 * It is not if the program cannot be reached, or if another process has this row.
 *
 * @param array $row The row as it was read.
 * @return bool
 */
function nurture_try( array $row ) {
	if ( ! nurture_claim( $row, nurture_pause( (int) $row['tries'] ) ) ) {
		return false;
	}
	$answer = nurture_post( $row );
	if ( $answer['arrived'] ) {
		$changes = array(
			'sent_at'     => nurture_moment(),
			'next_try_at' => null,
		);
	} elseif ( ! $answer['again'] || nurture_is_hopeless( $row ) ) {
		$changes = array( 'next_try_at' => null );
	} elseif ( $answer['wait'] > nurture_pause( (int) $row['tries'] ) ) {
		$changes = array( 'next_try_at' => nurture_moment( $answer['wait'] ) );
	} else {
		$changes = array();
	}
	nurture_note( $row['id'], $changes + array( 'answer' => $answer['said'] ) );
	if ( $answer['arrived'] ) {
		nurture_is_back();
	} elseif ( $answer['away'] ) {
		set_transient( 'nurture_away', 1, MINUTE_IN_SECONDS );
		set_transient( 'nurture_was_away', 1, WEEK_IN_SECONDS );
	}
	return ! $answer['away'];
}

/** Note that the program answers, so that what waited long is tried now. */
function nurture_is_back() {
	if ( get_transient( 'nurture_was_away' ) ) {
		delete_transient( 'nurture_was_away' );
		nurture_hurry();
	}
	delete_transient( 'nurture_away' );
}

/**
 * Return the pause after a try, in seconds.
 *
 * @param int $tries How many tries there were before it.
 * @return int
 */
function nurture_pause( $tries ) {
	return NURTURE_PAUSES[ min( $tries, count( NURTURE_PAUSES ) - 1 ) ];
}

/**
 * Return whether seven days have passed with nothing but failures.
 *
 * What is sent again is older than that from the start, so the tries count as well.
 *
 * @param array $row The row.
 * @return bool
 */
function nurture_is_hopeless( array $row ) {
	return (int) $row['tries'] + 1 >= NURTURE_MOST_TRIES && nurture_age( $row ) > NURTURE_TRY_FOR;
}

/**
 * Return how many seconds ago a row was written down.
 *
 * @param array $row The row.
 * @return int
 */
function nurture_age( array $row ) {
	return time() - strtotime( $row['created_at'] . ' UTC' );
}

/**
 * Return the body of a row: what was written down and, if it is late, when that was.
 *
 * @param array $row The row.
 * @return string
 */
function nurture_body( array $row ) {
	$payload = json_decode( $row['payload'], true );
	if ( $row['sent_at'] || nurture_age( $row ) > NURTURE_ON_TIME ) {
		$at                      = new DateTimeImmutable( $row['created_at'], new DateTimeZone( 'UTC' ) );
		$payload['signed_up_at'] = $at->format( 'Y-m-d\TH:i:s.uP' );
	}
	return (string) wp_json_encode( $payload, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
}

/**
 * Return the headers that prove a body, as in Standard Webhooks; none without a secret.
 *
 * @param string $secret    The secret, which begins with whsec_.
 * @param string $id        The id of the call, the same at each try.
 * @param int    $timestamp Seconds since 1970.
 * @param string $body      The body.
 * @return array
 */
function nurture_signature( $secret, $id, $timestamp, $body ) {
	// The encoding is that of the standard, and hides nothing.
	// phpcs:disable WordPress.PHP.DiscouragedPHPFunctions
	$key = base64_decode( preg_replace( '/^whsec_/', '', trim( $secret ) ), true );
	if ( '' === $secret || ! $key ) {
		return array();
	}
	$signature = base64_encode( hash_hmac( 'sha256', "{$id}.{$timestamp}.{$body}", $key, true ) );
	// phpcs:enable
	return array(
		'webhook-id'        => $id,
		'webhook-timestamp' => (string) $timestamp,
		'webhook-signature' => 'v1,' . $signature,
	);
}

/**
 * Post a row, and say what the answer means.
 *
 * @param array $row The row.
 * @return array arrived, again and away are booleans; wait are seconds; said is for the owner.
 */
function nurture_post( array $row ) {
	return nurture_call( $row['form'], nurture_body( $row ), $row['idempotency_key'] );
}

/**
 * Make one signed call, and say what the answer means.
 *
 * @param string $form The form's key.
 * @param string $body The body.
 * @param string $id   The name of the call, the same at each try.
 * @return array
 */
function nurture_call( $form, $body, $id ) {
	$address = nurture_signup_address( $form );
	if ( '' === $address ) {
		return nurture_meaning( 0, __( 'The address or the key is missing in the settings.', 'nurture-signups' ) );
	}
	$headers = array(
		'Content-Type'    => 'application/json',
		'Accept'          => 'application/json',
		'Idempotency-Key' => $id,
	);
	$answer  = wp_remote_post(
		$address,
		array(
			'timeout'     => NURTURE_TIMEOUT,
			'redirection' => 0,
			'headers'     => $headers + nurture_signature( nurture_connection( 'secret' ), $id, time(), $body ),
			'body'        => $body,
		)
	);
	if ( is_wp_error( $answer ) ) {
		return nurture_meaning( 0, $answer->get_error_message() );
	}
	$code = (int) wp_remote_retrieve_response_code( $answer );
	return nurture_meaning(
		$code,
		nurture_sentence( wp_remote_retrieve_body( $answer ) ),
		(int) wp_remote_retrieve_header( $answer, 'retry-after' )
	);
}

/**
 * Say what a status means.
 *
 * 409 says that the program has this signup already: an earlier try arrived, but not its answer.
 *
 * @param int    $code     The status; 0 if there was no answer.
 * @param string $sentence What the program said.
 * @param int    $wait     How many seconds the program asks to wait.
 * @return array
 */
function nurture_meaning( $code, $sentence, $wait = 0 ) {
	$arrived = ( $code >= 200 && $code < 300 ) || 409 === $code;
	$refused = $code >= 400 && $code < 500 && 409 !== $code && ! in_array( $code, NURTURE_TRY_AGAIN, true );
	return array(
		'code'    => $code,
		'arrived' => $arrived,
		'again'   => ! $arrived && ! $refused,
		'away'    => 0 === $code || $code >= 500,
		'wait'    => min( max( 0, $wait ), HOUR_IN_SECONDS ),
		'said'    => trim( ( $code ? $code . ' ' : '' ) . $sentence ),
	);
}

/**
 * Return the program's own sentence about a refusal, or an empty text.
 *
 * @param string $body The body of the answer.
 * @return string
 */
function nurture_sentence( $body ) {
	$said = json_decode( $body, true );
	return is_array( $said ) && isset( $said['detail'] ) && is_string( $said['detail'] ) ? mb_substr( $said['detail'], 0, 500 ) : '';
}
