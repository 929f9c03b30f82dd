<?php
/**
 * The schedule: at once, every minute by WP-Cron, and beside page views where that does not run.
 *
 * @package Nurture_Signups
 */

// phpcs:disable WordPress.DB.DirectDatabaseQuery

defined( 'ABSPATH' ) || exit;

const NURTURE_RUN_FOR = 20;

add_filter( 'cron_schedules', 'nurture_add_minute' ); // phpcs:ignore WordPress.WP.CronInterval
add_action( NURTURE_CRON, 'nurture_run_cron' );
add_action( 'shutdown', 'nurture_at_shutdown' );
add_action( 'init', 'nurture_keep_scheduled' );

/** Make the table and the schedule. */
function nurture_activate() {
	nurture_make_table();
	add_option( 'nurture_ran_at', '0', '', 'no' );
	nurture_keep_scheduled();
	nurture_remember_due();
}

/** End the schedule; what waits stays written down. */
function nurture_deactivate() {
	wp_clear_scheduled_hook( NURTURE_CRON );
}

/**
 * Add the interval of one minute.
 *
 * @param array $schedules The intervals known so far.
 * @return array
 */
function nurture_add_minute( $schedules ) {
	$schedules['nurture_minute'] = array(
		'interval' => MINUTE_IN_SECONDS,
		'display'  => __( 'Every minute', 'nurture-signups' ),
	);
	return $schedules;
}

/** Schedule the sending again if anything has removed it. */
function nurture_keep_scheduled() {
	if ( ! wp_next_scheduled( NURTURE_CRON ) ) {
		wp_schedule_event( time() + MINUTE_IN_SECONDS, 'nurture_minute', NURTURE_CRON );
	}
}

/** Send what waits, and delete what was kept long enough. */
function nurture_run_cron() {
	nurture_run( NURTURE_RUN_FOR );
	nurture_forget_old();
}

/**
 * Send what is due until nothing is, the time is over, or the program cannot be reached.
 *
 * @param int $seconds The time.
 */
function nurture_run( $seconds ) {
	$until = microtime( true ) + $seconds;
	try {
		do {
			$row = nurture_next_due();
		} while ( $row && nurture_try( $row ) && microtime( true ) < $until );
		nurture_remember_due();
	} catch ( Throwable $error ) {
		nurture_log( $error );
	}
}

/**
 * Write a signup down, and have it sent when the visitor has been answered.
 *
 * Nothing that fails here may break the form's own processing.
 *
 * @param string $form    The form's key.
 * @param array  $payload What is to be sent.
 */
function nurture_take( $form, array $payload ) {
	global $nurture_taken;
	try {
		$row             = nurture_keep( $form, $payload );
		$nurture_taken[] = $row ? $row : array(
			'form'    => $form,
			'payload' => $payload,
		);
		if ( $row ) {
			update_option( 'nurture_due_at', time(), true );
		}
	} catch ( Throwable $error ) {
		nurture_log( $error );
	}
}

/** Send what this request has taken, or what waits, after the visitor has been answered. */
function nurture_at_shutdown() {
	global $nurture_taken;
	try {
		if ( $nurture_taken ) {
			$taken         = $nurture_taken;
			$nurture_taken = array();
			nurture_send_taken( $taken );
		} elseif ( nurture_may_run() ) {
			nurture_answer_first();
			nurture_run( NURTURE_TIMEOUT );
		}
	} catch ( Throwable $error ) {
		nurture_log( $error );
	}
}

/**
 * Send what this request has taken, unless the program was away within this minute.
 *
 * @param array $taken Rows and, where the table took nothing, what they would have held.
 */
function nurture_send_taken( array $taken ) {
	nurture_answer_first();
	foreach ( $taken as $row ) {
		if ( ! isset( $row['id'] ) ) {
			// Without a table there is only this one try.
			nurture_call( $row['form'], (string) wp_json_encode( $row['payload'] ), wp_generate_uuid4() );
		} elseif ( ! get_transient( 'nurture_away' ) ) {
			nurture_try( $row );
		}
	}
	nurture_remember_due();
}

/**
 * Return whether this page view is the one in this minute that sends what waits.
 *
 * @return bool
 */
function nurture_may_run() {
	global $wpdb;
	$due = (int) get_option( 'nurture_due_at', 0 );
	if ( ! $due || $due > time() || wp_doing_cron() || wp_installing() ) {
		return false;
	}
	// One statement, so that of several page views at once only one gets the turn.
	return 1 === (int) $wpdb->query(
		$wpdb->prepare(
			"UPDATE {$wpdb->options} SET option_value = %s
			WHERE option_name = 'nurture_ran_at' AND CAST( option_value AS UNSIGNED ) <= %d",
			(string) time(),
			time() - MINUTE_IN_SECONDS
		)
	);
}

/** Let the visitor go before anything is sent, where the server can do that. */
function nurture_answer_first() {
	ignore_user_abort( true );
	if ( function_exists( 'fastcgi_finish_request' ) ) {
		fastcgi_finish_request();
	} elseif ( function_exists( 'litespeed_finish_request' ) ) {
		litespeed_finish_request();
	} else {
		flush();
	}
}

/**
 * Write what went wrong into the website's log, without anything about a person.
 *
 * @param Throwable $error What went wrong.
 */
function nurture_log( $error ) {
	// phpcs:ignore WordPress.PHP.DevelopmentFunctions.error_log_error_log
	error_log( 'nurture-signups: ' . get_class( $error ) . ' in ' . basename( $error->getFile() ) . ', line ' . $error->getLine() );
}
