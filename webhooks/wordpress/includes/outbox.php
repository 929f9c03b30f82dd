<?php
/**
 * The outbox: every signup is written down here before it is sent.
 *
 * A row waits while `next_try_at` is set. It has arrived if `sent_at` is set. With neither it was
 * refused or given up, and `answer` says why.
 *
 * @package Nurture_Signups
 */

// The table is the plugin's own, its name is never typed by anyone, and a cache would only be stale.
// phpcs:disable WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.InterpolatedNotPrepared

defined( 'ABSPATH' ) || exit;

const NURTURE_KEPT_DAYS   = 30;
const NURTURE_FAILED_DAYS = 90;

/** Return the table's name. */
function nurture_table() {
	global $wpdb;
	return $wpdb->prefix . 'nurture_outbox';
}

/** Make the table, or bring it up to date. */
function nurture_make_table() {
	global $wpdb;
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	$table = nurture_table();
	dbDelta(
		"CREATE TABLE {$table} (
  id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  idempotency_key char(36) NOT NULL,
  form varchar(100) NOT NULL,
  payload longtext NOT NULL,
  created_at datetime(6) NOT NULL,
  tries int(10) unsigned NOT NULL DEFAULT 0,
  next_try_at datetime(6) NULL,
  sent_at datetime(6) NULL,
  answer text NOT NULL,
  PRIMARY KEY  (id),
  UNIQUE KEY idempotency_key (idempotency_key),
  KEY next_try_at (next_try_at),
  KEY created_at (created_at)
) {$wpdb->get_charset_collate()};"
	);
}

/**
 * Return a moment as the table stores it: UTC, with microseconds.
 *
 * @param int $seconds How many seconds from now.
 * @return string
 */
function nurture_moment( $seconds = 0 ) {
	$now = new DateTimeImmutable( 'now', new DateTimeZone( 'UTC' ) );
	return $now->modify( sprintf( '%+d seconds', $seconds ) )->format( 'Y-m-d H:i:s.u' );
}

/**
 * Write a signup down, and return its row; null if the database does not take it.
 *
 * @param string $form    The form's key.
 * @param array  $payload What is to be sent.
 * @return array|null
 */
function nurture_keep( $form, array $payload ) {
	global $wpdb;
	$row = array(
		'idempotency_key' => wp_generate_uuid4(),
		'form'            => $form,
		'payload'         => wp_json_encode( $payload ),
		'created_at'      => nurture_moment(),
		'tries'           => 0,
		'next_try_at'     => nurture_moment(),
		'answer'          => '',
	);
	if ( ! nurture_insert( $row ) ) {
		// The table may be missing, as after a move to another host.
		nurture_make_table();
		if ( ! nurture_insert( $row ) ) {
			return null;
		}
	}
	return $row + array(
		'id'      => (int) $wpdb->insert_id,
		'sent_at' => null,
	);
}

/**
 * Insert a row without showing the visitor an error.
 *
 * @param array $row The row.
 * @return bool
 */
function nurture_insert( array $row ) {
	global $wpdb;
	$shown    = $wpdb->suppress_errors( true );
	$inserted = $wpdb->insert( nurture_table(), $row );
	$wpdb->suppress_errors( $shown );
	return (bool) $inserted;
}

/**
 * Return a row, or null.
 *
 * @param int $id Its number.
 * @return array|null
 */
function nurture_row( $id ) {
	global $wpdb;
	$table = nurture_table();
	return $wpdb->get_row( $wpdb->prepare( "SELECT * FROM {$table} WHERE id = %d", $id ), ARRAY_A );
}

/** Return the row that is due first, or null. */
function nurture_next_due() {
	global $wpdb;
	$table = nurture_table();
	return $wpdb->get_row(
		$wpdb->prepare(
			"SELECT * FROM {$table} WHERE next_try_at <= %s ORDER BY next_try_at, id LIMIT 1",
			nurture_moment()
		),
		ARRAY_A
	);
}

/**
 * Claim a row for one try; of two processes that claim it at once, one gets it.
 *
 * If this process dies during the try, the row is due again after the pause.
 *
 * @param array $row   The row as it was read.
 * @param int   $pause How many seconds until it may be tried again.
 * @return bool
 */
function nurture_claim( array $row, $pause ) {
	global $wpdb;
	$table = nurture_table();
	return 1 === (int) $wpdb->query(
		$wpdb->prepare(
			"UPDATE {$table} SET tries = tries + 1, next_try_at = %s
			WHERE id = %d AND tries = %d AND next_try_at IS NOT NULL",
			nurture_moment( $pause ),
			$row['id'],
			$row['tries']
		)
	);
}

/**
 * Note what became of a row.
 *
 * @param int   $id      Its number.
 * @param array $changes The columns that change.
 */
function nurture_note( $id, array $changes ) {
	global $wpdb;
	$wpdb->update( nurture_table(), $changes, array( 'id' => $id ) );
}

/**
 * Delete a row.
 *
 * @param int $id Its number.
 */
function nurture_delete( $id ) {
	global $wpdb;
	$wpdb->delete( nurture_table(), array( 'id' => $id ) );
}

/** Let everything that waits be tried now: the program answers again, or the settings changed. */
function nurture_hurry() {
	global $wpdb;
	$table = nurture_table();
	$now   = nurture_moment();
	$wpdb->query( $wpdb->prepare( "UPDATE {$table} SET next_try_at = %s WHERE next_try_at > %s", $now, $now ) );
	nurture_remember_due();
}

/**
 * Send everything again that was written down since a moment; return how many.
 *
 * Each keeps its key and its time: a program that has it does nothing, and one that was restored
 * from a backup takes it in.
 *
 * @param string $since The moment as the table stores it.
 * @return int
 */
function nurture_send_again( $since ) {
	global $wpdb;
	$table = nurture_table();
	$many  = $wpdb->query(
		$wpdb->prepare(
			"UPDATE {$table} SET next_try_at = %s, tries = 0 WHERE created_at >= %s",
			nurture_moment(),
			$since
		)
	);
	nurture_remember_due();
	return (int) $many;
}

/** Remember when the next row is due, so that a page view need not ask the table. */
function nurture_remember_due() {
	global $wpdb;
	$table = nurture_table();
	$due   = $wpdb->get_var( "SELECT MIN(next_try_at) FROM {$table} WHERE next_try_at IS NOT NULL" );
	update_option( 'nurture_due_at', null === $due ? 0 : strtotime( $due . ' UTC' ), true );
}

/** Return the rows that wait, the oldest first, and those that were refused or given up. */
function nurture_outbox_lists() {
	global $wpdb;
	$table   = nurture_table();
	$failed  = "next_try_at IS NULL AND ( sent_at IS NULL OR answer NOT REGEXP '^(2|409)' )";
	$waiting = 'next_try_at IS NOT NULL';
	return array(
		'waiting'       => $wpdb->get_results( "SELECT * FROM {$table} WHERE {$waiting} ORDER BY created_at LIMIT 20", ARRAY_A ),
		'waiting_count' => (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$table} WHERE {$waiting}" ),
		'failed'        => $wpdb->get_results( "SELECT * FROM {$table} WHERE {$failed} ORDER BY created_at DESC LIMIT 50", ARRAY_A ),
		'failed_count'  => (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$table} WHERE {$failed}" ),
		'last_sent_at'  => $wpdb->get_var( "SELECT MAX(sent_at) FROM {$table}" ),
	);
}

/** Delete what was kept long enough. */
function nurture_forget_old() {
	global $wpdb;
	$table = nurture_table();
	$wpdb->query(
		$wpdb->prepare(
			"DELETE FROM {$table} WHERE next_try_at IS NULL AND ( sent_at < %s OR created_at < %s )",
			nurture_moment( -NURTURE_KEPT_DAYS * DAY_IN_SECONDS ),
			nurture_moment( -NURTURE_FAILED_DAYS * DAY_IN_SECONDS )
		)
	);
}
