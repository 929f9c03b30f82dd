<?php
/**
 * The visit: where the visitor came from, as far as the request says.
 *
 * @package Nurture_Signups
 */

// Pages are cached for hours, so there is no nonce on a public form, and nothing here changes anything.
// phpcs:disable WordPress.Security.NonceVerification

defined( 'ABSPATH' ) || exit;

const NURTURE_COOKIE = 'nurture_visit';

add_action( 'wp_enqueue_scripts', 'nurture_add_script' );

/** Have every page remember where the visitor came from, and fill in the hidden fields. */
function nurture_add_script() {
	wp_enqueue_script( 'nurture-signups', plugins_url( 'assets/nurture.js', NURTURE_FILE ), array(), (string) filemtime( dirname( NURTURE_FILE ) . '/assets/nurture.js' ), true );
	$remember = nurture_settings()['remember'] ? 'true' : 'false';
	wp_add_inline_script( 'nurture-signups', "window.nurtureRemember = {$remember};", 'before' );
}

/**
 * Return what the request says about the visit, under the names of the program.
 *
 * @return array
 */
function nurture_visit() {
	$page = nurture_page();
	$told = nurture_told();
	$utm  = nurture_utm( wp_parse_url( $page, PHP_URL_QUERY ) );
	$last = $utm ? $utm : nurture_campaign( $told, 'last' );
	$said = array(
		'page_url'   => $page,
		'time_zone'  => isset( $told['tz'] ) && is_string( $told['tz'] ) ? sanitize_text_field( $told['tz'] ) : '',
		'client_ip'  => nurture_client(),
		'user_agent' => nurture_server( 'HTTP_USER_AGENT' ),
	) + $last;
	foreach ( nurture_campaign( $told, 'first' ) as $name => $value ) {
		$said[ 'utm_first_' . substr( $name, 4 ) ] = $value;
	}
	return array_filter( $said, 'strlen' );
}

/**
 * Return a value of the server, as one line of text.
 *
 * @param string $name Its name.
 * @return string
 */
function nurture_server( $name ) {
	return isset( $_SERVER[ $name ] ) ? sanitize_text_field( wp_unslash( $_SERVER[ $name ] ) ) : '';
}

/**
 * Return the page of this website on which the form is.
 *
 * @return string
 */
function nurture_page() {
	$referrer = isset( $_SERVER['HTTP_REFERER'] ) ? esc_url_raw( wp_unslash( $_SERVER['HTTP_REFERER'] ) ) : '';
	$own      = wp_parse_url( home_url(), PHP_URL_HOST );
	foreach ( array( $referrer, nurture_posted( 'nurture_page' ) ) as $page ) {
		if ( is_string( $page ) && wp_parse_url( $page, PHP_URL_HOST ) === $own ) {
			return esc_url_raw( remove_query_arg( 'nurture', $page ) );
		}
	}
	return '';
}

/**
 * Return what the script says: from a hidden field or, where a builder drops those, from the cookie.
 *
 * @return array
 */
function nurture_told() {
	$texts = array(
		nurture_posted( 'nurture_visit' ),
		isset( $_COOKIE[ NURTURE_COOKIE ] ) ? sanitize_text_field( wp_unslash( $_COOKIE[ NURTURE_COOKIE ] ) ) : '',
	);
	foreach ( $texts as $text ) {
		$told = json_decode( $text, true );
		if ( is_array( $told ) ) {
			return $told;
		}
	}
	return array();
}

/**
 * Return a text that was posted, also from within a form that a builder sends as one text.
 *
 * @param string $name Its name.
 * @return string
 */
function nurture_posted( $name ) {
	$posted = wp_unslash( $_POST );
	if ( ! isset( $posted[ $name ] ) && isset( $posted['data'] ) && is_string( $posted['data'] ) ) {
		wp_parse_str( $posted['data'], $posted );
	}
	return isset( $posted[ $name ] ) && is_string( $posted[ $name ] ) ? mb_substr( $posted[ $name ], 0, 4000 ) : '';
}

/**
 * Return the UTM parameters of a query.
 *
 * @param string|null $query The query.
 * @return array
 */
function nurture_utm( $query ) {
	wp_parse_str( (string) $query, $found );
	return nurture_only_utm( $found );
}

/**
 * Return the first or the last campaign that the script remembers.
 *
 * @param array  $told What the script says.
 * @param string $when Either first or last.
 * @return array
 */
function nurture_campaign( array $told, $when ) {
	return isset( $told[ $when ] ) && is_array( $told[ $when ] ) ? nurture_only_utm( $told[ $when ] ) : array();
}

/**
 * Return the UTM parameters among some values, at most ten.
 *
 * @param array $values The values.
 * @return array
 */
function nurture_only_utm( array $values ) {
	$utm = array();
	foreach ( $values as $name => $value ) {
		if ( preg_match( '/^utm_[a-z_]{1,40}$/', (string) $name ) && is_string( $value ) && '' !== $value && count( $utm ) < 10 ) {
			$utm[ $name ] = mb_substr( sanitize_text_field( $value ), 0, 200 );
		}
	}
	return $utm;
}

/**
 * Return the visitor's address: the connection's or, behind a proxy, the one that the proxy names.
 *
 * @return string
 */
function nurture_client() {
	$remote = nurture_server( 'REMOTE_ADDR' );
	if ( ! nurture_settings()['proxy'] ) {
		return $remote;
	}
	// Each proxy adds the address that called it at the end; a visitor can only write at the front.
	foreach ( array_reverse( explode( ',', nurture_server( 'HTTP_X_FORWARDED_FOR' ) ) ) as $address ) {
		if ( filter_var( trim( $address ), FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE ) ) {
			return trim( $address );
		}
	}
	return $remote;
}
