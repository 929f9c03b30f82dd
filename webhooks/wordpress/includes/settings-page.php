<?php
/**
 * The settings page.
 *
 * @package Nurture_Signups
 */

defined( 'ABSPATH' ) || exit;

/** Print the page. */
function nurture_print_page() {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	$said  = nurture_said();
	$lists = nurture_outbox_lists();
	?>
	<div class="wrap">
		<h1><?php esc_html_e( 'Nurture Signups', 'nurture-signups' ); ?></h1>
		<?php if ( $said ) : ?>
			<div class="notice notice-<?php echo $said[1] ? 'success' : 'error'; ?>"><p><?php echo esc_html( $said[0] ); ?></p></div>
		<?php endif; ?>
		<?php
		nurture_print_state( $lists );
		nurture_print_connection();
		nurture_print_forms();
		nurture_print_again();
		?>
	</div>
	<?php
}

/**
 * Open a form that calls one action.
 *
 * @param string $action The action.
 */
function nurture_open( $action ) {
	printf( '<form method="post" action="%s" style="display:inline">', esc_url( admin_url( 'admin-post.php' ) ) );
	printf( '<input type="hidden" name="action" value="nurture_%s">', esc_attr( $action ) );
	wp_nonce_field( 'nurture_' . $action );
}

/**
 * Print what waits, what was refused, and when something last arrived.
 *
 * @param array $lists The rows.
 */
function nurture_print_state( array $lists ) {
	?>
	<h2><?php esc_html_e( 'What was sent', 'nurture-signups' ); ?></h2>
	<p>
		<?php
		if ( $lists['last_sent_at'] ) {
			/* translators: %s: a date and a time. */
			echo esc_html( sprintf( __( 'The last signup arrived on %s.', 'nurture-signups' ), nurture_local( $lists['last_sent_at'] ) ) );
		} else {
			esc_html_e( 'No signup has arrived yet.', 'nurture-signups' );
		}
		echo ' ';
		/* translators: %d: how many signups. */
		echo esc_html( sprintf( _n( '%d signup waits to be sent.', '%d signups wait to be sent.', $lists['waiting_count'], 'nurture-signups' ), $lists['waiting_count'] ) );
		?>
	</p>
	<?php
	if ( $lists['waiting'] ) {
		nurture_print_rows( $lists['waiting'], false );
	}
	if ( $lists['failed'] ) {
		/* translators: %d: how many signups. */
		echo '<h3>' . esc_html( sprintf( _n( '%d signup did not arrive', '%d signups did not arrive', $lists['failed_count'], 'nurture-signups' ), $lists['failed_count'] ) ) . '</h3>';
		nurture_print_rows( $lists['failed'], true );
	}
}

/**
 * Print rows of the outbox.
 *
 * @param array $rows   The rows.
 * @param bool  $failed Whether they may be sent again or deleted.
 */
function nurture_print_rows( array $rows, $failed ) {
	?>
	<table class="widefat striped">
		<thead><tr>
			<th scope="col"><?php esc_html_e( 'When', 'nurture-signups' ); ?></th>
			<th scope="col"><?php esc_html_e( 'Email address', 'nurture-signups' ); ?></th>
			<th scope="col"><?php esc_html_e( 'Form', 'nurture-signups' ); ?></th>
			<th scope="col"><?php esc_html_e( 'Tries', 'nurture-signups' ); ?></th>
			<th scope="col"><?php esc_html_e( 'The last answer', 'nurture-signups' ); ?></th>
			<?php echo $failed ? '<td></td>' : '<th scope="col">' . esc_html__( 'Next try', 'nurture-signups' ) . '</th>'; ?>
		</tr></thead>
		<tbody>
		<?php foreach ( $rows as $row ) : ?>
			<?php $payload = json_decode( $row['payload'], true ); ?>
			<tr>
				<td><?php echo esc_html( nurture_local( $row['created_at'] ) ); ?></td>
				<td><?php echo esc_html( isset( $payload['email'] ) ? $payload['email'] : '' ); ?></td>
				<td><?php echo esc_html( $row['form'] ); ?></td>
				<td><?php echo esc_html( $row['tries'] ); ?></td>
				<td><?php echo esc_html( $row['answer'] ); ?></td>
				<td>
				<?php
				if ( $failed ) {
					nurture_print_button( 'retry', __( 'Send again', 'nurture-signups' ), $row['id'] );
					nurture_print_button( 'drop', __( 'Delete', 'nurture-signups' ), $row['id'] );
				} else {
					echo esc_html( nurture_local( $row['next_try_at'] ) );
				}
				?>
				</td>
			</tr>
		<?php endforeach; ?>
		</tbody>
	</table>
	<?php
}

/**
 * Print a button about one row.
 *
 * @param string $action The action.
 * @param string $label  Its label.
 * @param int    $row    The row's number.
 */
function nurture_print_button( $action, $label, $row ) {
	nurture_open( $action );
	printf( '<input type="hidden" name="nurture_row" value="%d"> <button class="button">%s</button></form> ', (int) $row, esc_html( $label ) );
}

/**
 * Return a stored moment in this website's time.
 *
 * @param string $moment The moment, in UTC.
 * @return string
 */
function nurture_local( $moment ) {
	return wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), strtotime( $moment . ' UTC' ) );
}

/** Print the address, the key and the secret. */
function nurture_print_connection() {
	$settings = nurture_settings();
	$secret   = nurture_connection( 'secret' );
	echo '<h2>' . esc_html__( 'The connection', 'nurture-signups' ) . '</h2>';
	nurture_open( 'save' );
	?>
	<table class="form-table" role="presentation">
		<tr><th scope="row"><label for="nurture_address"><?php esc_html_e( 'Address', 'nurture-signups' ); ?></label></th>
			<td><input class="regular-text" type="url" id="nurture_address" name="nurture_address" value="<?php echo esc_attr( nurture_connection( 'address' ) ); ?>"></td></tr>
		<tr><th scope="row"><label for="nurture_key"><?php esc_html_e( 'Key of this website', 'nurture-signups' ); ?></label></th>
			<td><input class="regular-text" type="text" autocomplete="off" id="nurture_key" name="nurture_key" value="<?php echo esc_attr( nurture_connection( 'key' ) ); ?>"></td></tr>
		<tr><th scope="row"><label for="nurture_secret"><?php esc_html_e( 'New signing secret', 'nurture-signups' ); ?></label></th>
			<td><input class="regular-text" type="password" autocomplete="new-password" id="nurture_secret" name="nurture_secret" value="">
				<p class="description"><?php echo '' === $secret ? esc_html__( 'There is none yet.', 'nurture-signups' ) : esc_html__( 'There is one. Leave this empty to keep it.', 'nurture-signups' ); ?></p></td></tr>
		<tr><th scope="row"><?php esc_html_e( 'Visitors', 'nurture-signups' ); ?></th>
			<td><label><input type="checkbox" name="nurture_proxy" value="1" <?php checked( $settings['proxy'] ); ?>> <?php esc_html_e( 'This website is behind a proxy or a CDN, which passes on the visitor’s IP address', 'nurture-signups' ); ?></label><br>
				<label><input type="checkbox" name="nurture_remember" value="1" <?php checked( $settings['remember'] ); ?>> <?php esc_html_e( 'Remember for 90 days, in a cookie of this website, which campaign first brought a visitor', 'nurture-signups' ); ?></label></td></tr>
	</table>
	<p><button class="button button-primary"><?php esc_html_e( 'Save', 'nurture-signups' ); ?></button></p></form>
	<?php
	nurture_open( 'test' );
	echo '<p><button class="button">' . esc_html__( 'Test the connection', 'nurture-signups' ) . '</button></p></form>';
}

/** Print the forms that builders have sent, and to which of ours each belongs. */
function nurture_print_forms() {
	echo '<h2>' . esc_html__( 'Your forms', 'nurture-signups' ) . '</h2>';
	echo '<p>' . esc_html__( 'Put the block “Nurture signup form” on a page, or use a shortcode:', 'nurture-signups' );
	foreach ( nurture_forms() as $key => $form ) {
		echo ' <code>' . esc_html( "[nurture_form form=\"{$key}\"]" ) . '</code>';
	}
	echo '</p><p>' . esc_html__( 'A form that you made with Contact Form 7, Gravity Forms, Elementor Pro, WPForms, Fluent Forms or Ninja Forms appears here once you have filled it in yourself.', 'nurture-signups' ) . '</p>';
	foreach ( get_option( 'nurture_seen', array() ) as $key => $seen ) {
		nurture_print_seen( $key, $seen );
	}
}

/**
 * Print one form of a builder.
 *
 * @param string $key  The builder and the form.
 * @param array  $seen Its title and its fields.
 */
function nurture_print_seen( $key, array $seen ) {
	$maps = nurture_settings()['maps'];
	$map  = isset( $maps[ $key ] ) ? $maps[ $key ] : array();
	$ours = array( '' => __( 'Do not send', 'nurture-signups' ) ) + wp_list_pluck( nurture_forms(), 'title' );
	echo '<h3>' . esc_html( ( '' === $seen['title'] ? $key : $seen['title'] ) . ' (' . strtok( $key, ':' ) . ')' ) . '</h3>';
	nurture_open( 'map' );
	echo '<input type="hidden" name="nurture_seen" value="' . esc_attr( $key ) . '">';
	nurture_print_select( 'nurture_send_to', __( 'Send to', 'nurture-signups' ), $ours, isset( $map['form'] ) ? $map['form'] : '' );
	$labels = array(
		'email'      => __( 'Email address', 'nurture-signups' ),
		'first_name' => __( 'First name', 'nurture-signups' ),
		'name'       => __( 'Full name', 'nurture-signups' ),
	);
	$choice = wp_list_pluck( $seen['fields'], 'label' );
	foreach ( $labels as $what => $label ) {
		$guess = isset( $choice[ $seen['guess'][ $what ] ] ) ? $choice[ $seen['guess'][ $what ] ] : __( 'none', 'nurture-signups' );
		/* translators: %s: the label of a field. */
		$options = array( '' => sprintf( __( 'Automatic: %s', 'nurture-signups' ), $guess ) ) + $choice;
		nurture_print_select( 'nurture_field_' . $what, $label, $options, isset( $map['fields'][ $what ] ) ? $map['fields'][ $what ] : '' );
	}
	nurture_print_boxes( $seen, $map );
	echo '<p><button class="button">' . esc_html__( 'Save', 'nurture-signups' ) . '</button></p></form>';
}

/**
 * Print what each box of a form means.
 *
 * @param array $seen The form.
 * @param array $map  What the owner has said of it.
 */
function nurture_print_boxes( array $seen, array $map ) {
	$purposes = array( '' => __( 'Automatic: what its words name', 'nurture-signups' ) );
	foreach ( nurture_forms() as $form ) {
		$purposes += $form['boxes'];
	}
	foreach ( array_keys( $seen['fields'] ) as $number => $id ) {
		if ( 'box' === $seen['fields'][ $id ]['type'] ) {
			nurture_print_select( 'nurture_box_' . $number, $seen['fields'][ $id ]['label'], $purposes, isset( $map['boxes'][ $id ] ) ? $map['boxes'][ $id ] : '' );
		}
	}
}

/**
 * Print a choice.
 *
 * @param string $name    Its name.
 * @param string $label   Its label.
 * @param array  $options What can be chosen.
 * @param string $chosen  What is chosen.
 */
function nurture_print_select( $name, $label, array $options, $chosen ) {
	echo '<p><label>' . esc_html( $label ) . ' <select name="' . esc_attr( $name ) . '">';
	foreach ( $options as $value => $words ) {
		printf( '<option value="%s" %s>%s</option>', esc_attr( $value ), selected( (string) $value, (string) $chosen, false ), esc_html( $words ) );
	}
	echo '</select></label></p>';
}

/** Print the button that sends everything again. */
function nurture_print_again() {
	echo '<h2>' . esc_html__( 'After a restore', 'nurture-signups' ) . '</h2>';
	echo '<p>' . esc_html__( 'If the program was restored from a backup, send it everything again since the day of the backup. It takes in what it has lost, and ignores the rest.', 'nurture-signups' ) . '</p>';
	nurture_open( 'again' );
	?>
	<p><label><?php esc_html_e( 'Send again everything since', 'nurture-signups' ); ?>
		<input type="datetime-local" name="nurture_since" required></label>
		<button class="button"><?php esc_html_e( 'Send again', 'nurture-signups' ); ?></button></p></form>
	<?php
}
