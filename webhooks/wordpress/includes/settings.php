<?php
/**
 * What the settings page can do; each action is for administrators and carries a nonce.
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

const NURTURE_PAGE = 'nurture-signups';

add_action( 'admin_menu', 'nurture_add_page' );
add_action( 'admin_notices', 'nurture_warn' );
foreach ( array( 'save', 'map', 'test', 'again', 'retry', 'drop' ) as $nurture_action ) {
	add_action( 'admin_post_nurture_' . $nurture_action, 'nurture_do_' . $nurture_action );
}

/** Add the page to the menu. */
function nurture_add_page() {
	$name = __( 'Nurture Signups', 'nurture-signups' );
	add_options_page( $name, $name, 'manage_options', NURTURE_PAGE, 'nurture_print_page' );
}

/** Tell administrators on every page of theirs if signups were refused. */
function nurture_warn() {
	if ( ! current_user_can( 'manage_options' ) || ! nurture_outbox_lists()['failed_count'] ) {
		return;
	}
	printf(
		'<div class="notice notice-error"><p>%s <a href="%s">%s</a></p></div>',
		esc_html__( 'Some signups did not arrive.', 'nurture-signups' ),
		esc_url( nurture_page_address() ),
		esc_html__( 'See which, and why', 'nurture-signups' )
	);
}

/**
 * Return the page's address.
 *
 * @return string
 */
function nurture_page_address() {
	return admin_url( 'options-general.php?page=' . NURTURE_PAGE );
}

/**
 * Insist on an administrator who has pressed this button.
 *
 * @param string $action The action.
 */
function nurture_insist( $action ) {
	if ( ! current_user_can( 'manage_options' ) ) {
		wp_die( esc_html__( 'You may not change these settings.', 'nurture-signups' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( 'nurture_' . $action );
}

/**
 * Go back to the page with a sentence.
 *
 * @param string $sentence The sentence.
 * @param bool   $good     Whether it is good news.
 */
function nurture_return( $sentence, $good = true ) {
	set_transient( 'nurture_said_' . get_current_user_id(), array( $sentence, $good ), MINUTE_IN_SECONDS );
	wp_safe_redirect( nurture_page_address() );
	exit;
}

/**
 * Return what the last action said, once; null if there was none.
 *
 * @return array|null
 */
function nurture_said() {
	$name = 'nurture_said_' . get_current_user_id();
	$said = get_transient( $name );
	delete_transient( $name );
	return is_array( $said ) ? $said : null;
}

/**
 * Return a text from the page's forms.
 *
 * @param string $name Its name.
 * @return string
 */
function nurture_entered( $name ) {
	// Each action has checked its nonce before.
	// phpcs:ignore WordPress.Security.NonceVerification.Missing
	return isset( $_POST[ $name ] ) ? trim( sanitize_text_field( wp_unslash( $_POST[ $name ] ) ) ) : '';
}

/** Save the address, the key, the secret and the choices. */
function nurture_do_save() {
	nurture_insist( 'save' );
	$settings = nurture_settings();
	$config   = nurture_config();
	$address  = untrailingslashit( esc_url_raw( nurture_entered( 'nurture_address' ), array( 'https', 'http' ) ) );
	$entered  = array(
		'address' => $address,
		'key'     => nurture_entered( 'nurture_key' ),
		'secret'  => nurture_entered( 'nurture_secret' ),
	);
	if ( '' !== $entered['secret'] && ( 0 !== strpos( $entered['secret'], 'whsec_' ) || ! nurture_signature( $entered['secret'], 'x', 0, '' ) ) ) {
		nurture_return( __( 'That is no signing secret: it begins with whsec_. Copy it again, whole.', 'nurture-signups' ), false );
	}
	foreach ( $entered as $name => $value ) {
		// A blank secret stays as it is; what equals the plugin's file follows the file.
		if ( 'secret' !== $name || '' !== $value ) {
			$settings[ $name ] = $value === $config[ $name ] ? '' : $value;
		}
	}
	$settings['proxy']    = '' !== nurture_entered( 'nurture_proxy' );
	$settings['remember'] = '' !== nurture_entered( 'nurture_remember' );
	update_option( 'nurture_settings', $settings );
	nurture_hurry();
	nurture_return( __( 'Saved.', 'nurture-signups' ) );
}

/** Save to which form of the program a builder's form belongs, and what its fields are. */
function nurture_do_map() {
	nurture_insist( 'map' );
	$seen = get_option( 'nurture_seen', array() );
	$key  = nurture_entered( 'nurture_seen' );
	if ( isset( $seen[ $key ] ) ) {
		$map = array(
			'form'   => nurture_entered( 'nurture_send_to' ),
			'fields' => array(),
			'boxes'  => array(),
		);
		foreach ( array( 'email', 'first_name', 'name' ) as $what ) {
			$map['fields'][ $what ] = nurture_entered( 'nurture_field_' . $what );
		}
		$ids = array_keys( $seen[ $key ]['fields'] );
		foreach ( $ids as $number => $id ) {
			if ( '' !== nurture_entered( 'nurture_box_' . $number ) ) {
				$map['boxes'][ $id ] = sanitize_key( nurture_entered( 'nurture_box_' . $number ) );
			}
		}
		$settings                 = nurture_settings();
		$settings['maps'][ $key ] = $map;
		update_option( 'nurture_settings', $settings );
	}
	nurture_return( __( 'Saved.', 'nurture-signups' ) );
}

/** Ask the program whether it knows this website, without making a signup. */
function nurture_do_test() {
	nurture_insist( 'test' );
	$answer = nurture_call( (string) key( nurture_forms() ), '{"email":""}', wp_generate_uuid4() );
	// A signup without an address is refused for that reason only if everything else is right.
	if ( 422 === $answer['code'] ) {
		nurture_return( __( 'It works: the program answers, and knows this website.', 'nurture-signups' ) );
	}
	nurture_return( nurture_trouble( $answer ), false );
}

/**
 * Return a sentence about what is wrong with the connection.
 *
 * @param array $answer The answer.
 * @return string
 */
function nurture_trouble( array $answer ) {
	$sentences = array(
		0   => __( 'The program does not answer. Check the address.', 'nurture-signups' ),
		401 => __( 'The program does not accept the secret. Copy it again from the studio, and check that this server’s clock is right.', 'nurture-signups' ),
		404 => __( 'The program does not know the key or the form. Copy the key again from the studio.', 'nurture-signups' ),
	);
	$said      = isset( $sentences[ $answer['code'] ] ) ? $sentences[ $answer['code'] ] : __( 'The program answered with an error.', 'nurture-signups' );
	return trim( $said . ' ' . $answer['said'] );
}

/** Send everything again since a day. */
function nurture_do_again() {
	nurture_insist( 'again' );
	try {
		$since = new DateTimeImmutable( nurture_entered( 'nurture_since' ), wp_timezone() );
	} catch ( Exception $error ) {
		nurture_return( __( 'That is no date.', 'nurture-signups' ), false );
	}
	$many = nurture_send_again( $since->setTimezone( new DateTimeZone( 'UTC' ) )->format( 'Y-m-d H:i:s.u' ) );
	nurture_return(
		sprintf(
			/* translators: %d: how many signups. */
			_n( '%d signup will be sent again within a few minutes.', '%d signups will be sent again within a few minutes.', $many, 'nurture-signups' ),
			$many
		)
	);
}

/** Send one signup again that was refused. */
function nurture_do_retry() {
	nurture_insist( 'retry' );
	nurture_note(
		(int) nurture_entered( 'nurture_row' ),
		array(
			'tries'       => 0,
			'next_try_at' => nurture_moment(),
		)
	);
	nurture_remember_due();
	nurture_return( __( 'It will be sent again within a minute.', 'nurture-signups' ) );
}

/** Delete one signup that was refused. */
function nurture_do_drop() {
	nurture_insist( 'drop' );
	nurture_delete( (int) nurture_entered( 'nurture_row' ) );
	nurture_return( __( 'Deleted.', 'nurture-signups' ) );
}
